"""Italian words and phrases by kind, for the patterns of `italian_patterns`."""

from __future__ import annotations

from demo_model.texts.grammar import entries

WORDS = {
    "digit": entries("zero, uno, due, tre, quattro, cinque, sei, sette, otto, nove"),
    "num": entries(
        """due, tre, quattro, cinque, sei, sette, otto, nove, dieci, undici, dodici, tredici, quattordici,
        quindici, sedici, diciassette, diciotto, diciannove, venti, ventidue, ventitré, venticinque,
        ventisette, trenta, trentuno, trentadue, trentacinque, trentotto, quaranta, quarantadue,
        quarantacinque, cinquanta, cinquantadue, cinquantotto, sessanta, sessantacinque, settanta,
        settantadue, settantasei, ottanta, ottantacinque, novanta, novantanove"""
    ),
    "time": entries(
        """all'una, alle due, alle tre, alle quattro, alle cinque, alle sei, alle sette, alle otto, alle nove,
        alle dieci, alle undici, a mezzogiorno, a mezzanotte, alle due e mezza, alle tre e mezza, alle quattro
        e un quarto, alle cinque e mezza, alle sei e un quarto, alle sette e mezza, alle otto e mezza, alle
        nove e un quarto, alle dieci e mezza, alle otto di sera, alle sette del mattino, alle nove meno un
        quarto, alle sei meno dieci, alle undici e venti, alle quattro e venti, alle cinque meno cinque, alle
        dodici e trenta, alle quindici, alle diciotto, alle venti, alle ventuno e trenta"""
    ),
    "date": entries(
        """il primo gennaio, il due febbraio, il tre marzo, il quattro aprile, il cinque maggio, il sei
        giugno, il sette luglio, l'otto agosto, il nove settembre, il dieci ottobre, l'undici novembre, il
        dodici dicembre, il tredici gennaio, il quattordici febbraio, il quindici marzo, il sedici aprile, il
        diciassette maggio, il diciotto giugno, il diciannove luglio, il venti agosto, il ventuno settembre,
        il ventidue ottobre, il ventitré novembre, il ventiquattro dicembre, il venticinque aprile, il
        ventisei gennaio, il ventisette marzo, il ventotto maggio, il ventinove luglio, il trenta settembre,
        il trentuno ottobre, il primo giugno, il due novembre, il quattro luglio, il sei marzo, il nove
        agosto, il dodici aprile, il quindici febbraio"""
    ),
    "weekday": entries("lunedì, martedì, mercoledì, giovedì, venerdì, sabato, domenica"),
    "daypart": entries("mattina, pomeriggio, sera"),
    "first": entries(
        """Anna, Marco, Giulia, Luca, Francesca, Paolo, Chiara, Andrea, Sara, Matteo, Elena, Davide, Laura,
        Stefano, Martina, Alessandro, Valentina, Giovanni, Silvia, Roberto, Federica, Antonio, Paola, Simone,
        Monica, Giuseppe, Teresa, Riccardo, Alice, Lorenzo, Beatrice, Filippo, Claudia, Enrico, Serena,
        Pietro, Giorgia, Emanuele, Rosa, Massimo, Barbara, Nicola, Irene, Tommaso, Caterina, Salvatore,
        Michela, Vincenzo, Eleonora, Daniele"""
    ),
    "last": entries(
        """Rossi, Russo, Ferrari, Esposito, Bianchi, Romano, Colombo, Ricci, Marino, Greco, Bruno, Gallo,
        Conti, De Luca, Mancini, Costa, Giordano, Rizzo, Lombardi, Moretti, Barbieri, Fontana, Santoro,
        Mariani, Rinaldi, Caruso, Ferrara, Galli, Martini, Leone, Longo, Gentile, Martinelli, Vitale,
        Lombardo, Serra, Coppola, De Santis, Marchetti, Parisi, Villa, Conte, Ferraro, Fabbri, Bianco, Marini,
        Grasso, Valentini, Messina, Sala, Gatti, Pellegrini, Palumbo, Sanna, Farina, Monti, Cattaneo, Morelli,
        Amato, Silvestri"""
    ),
    "city": entries(
        """Roma, Milano, Napoli, Torino, Palermo, Genova, Bologna, Firenze, Bari, Catania, Venezia, Verona,
        Messina, Padova, Trieste, Brescia, Parma, Modena, Reggio Emilia, Perugia, Livorno, Cagliari, Foggia,
        Rimini, Salerno, Ferrara, Sassari, Siracusa, Pescara, Monza, Bergamo, Trento, Vicenza, Bolzano,
        Novara, Piacenza, Ancona, Andria, Udine, Arezzo, Cesena, Lecce, Pesaro, Como, Siena, Pisa, Lucca,
        Mantova, Cremona, Ravenna"""
    ),
    "product_a": entries(
        """un telefono, una lampada, un tavolo, una sedia, un computer, una stampante, uno schermo, una
        giacca, un cappotto, una camicia, un vestito, una borsa, uno zaino, una valigia, un orologio, una
        bicicletta, un divano, un letto, un armadio, una tastiera, un libro, un forno, un frigorifero, una
        lavatrice, un tappeto, una tenda, un ombrello, uno specchio, una chitarra, una macchina fotografica"""
    ),
    "product_the": entries(
        """il telefono, la lampada, il tavolo, la sedia, il computer, la stampante, lo schermo, la giacca, il
        cappotto, la camicia, il vestito, la borsa, lo zaino, la valigia, l'orologio, la bicicletta, il
        divano, il letto, l'armadio, la tastiera, il libro, il forno, il frigorifero, la lavatrice, il
        tappeto, la tenda, l'ombrello, lo specchio"""
    ),
    "food": entries(
        """il pane, la pasta, il riso, il pollo, il pesce, la carne, l'insalata, la minestra, il formaggio, il
        prosciutto, le patate, i pomodori, le carote, i funghi, la frutta, le mele, le pere, le arance, il
        gelato, la torta, i biscotti, la pizza, le lasagne, gli spinaci, il tonno, il salmone, le uova, il
        burro, la marmellata, il miele"""
    ),
    "drink": entries(
        "acqua, vino rosso, vino bianco, birra, latte, succo d'arancia, tè freddo, caffè, limonata, aranciata"
    ),
    "colour": entries("rosso, bianco, nero, verde, giallo, grigio, blu, marrone, viola, azzurro, rosa, arancione"),
    "job_a": entries(
        """un medico, un avvocato, un insegnante, un'infermiera, un cuoco, un giornalista, un ingegnere,
        un'attrice, un architetto, una cantante, un contadino, un tecnico, una segretaria, un pittore, un
        autista"""
    ),
    "job_the": entries(
        """il medico, il dentista, l'avvocato, il direttore, la segretaria, il tecnico, l'oculista, il
        meccanico, la parrucchiera, il consulente, l'infermiera, il veterinario"""
    ),
    "street": entries(
        """via Garibaldi, via Mazzini, via Roma, via Dante, via Verdi, corso Italia, piazza Cavour, via
        Manzoni, viale della Repubblica, via Marconi, piazza del Popolo, via Leopardi, corso Vittorio
        Emanuele, via dei Mille, via Puccini, largo Augusto, via Kennedy, via della Pace, viale Europa, via
        San Marco, via del Mare, via dei Fiori, piazza Duomo, via Torino, via Firenze"""
    ),
    "price": entries(
        """due euro, cinque euro, dieci euro, dodici euro e cinquanta, quindici euro, venti euro, venticinque
        euro, trenta euro, trentacinque euro e novanta, quaranta euro, quarantanove euro, cinquanta euro,
        sessanta euro, settantacinque euro, ottanta euro, novanta euro, cento euro, centoventi euro,
        centocinquanta euro, duecento euro, trecento euro, mille euro, tre euro e venti, sette euro e ottanta,
        nove euro e novantanove"""
    ),
    "relative": entries(
        """mia madre, mio padre, mia sorella, mio fratello, mio figlio, mia figlia, mia nonna, mio nonno, mia
        zia, mio zio, mio marito, mia moglie, il mio amico, la mia amica, il mio collega, la mia vicina"""
    ),
    "body": entries(
        """la testa, la schiena, il braccio, la gamba, il ginocchio, lo stomaco, la gola, il piede, la mano,
        la spalla, un dente, l'orecchio, il collo, il petto"""
    ),
    "place": entries(
        """l'ufficio, la stazione, l'aeroporto, il museo, la farmacia, la banca, l'ospedale, la biblioteca, il
        mercato, il supermercato, la piscina, il teatro, la scuola, il parco, la chiesa, il ristorante, la
        spiaggia"""
    ),
    "room": entries("in cucina, in salotto, in camera, in bagno, in giardino, in corridoio, in garage, in cantina"),
    "vehicle": entries("il treno, l'autobus, l'aereo, il traghetto, la metropolitana, il tram, la corriera"),
    "adj": entries(
        """molto bello, troppo piccolo, troppo grande, davvero buono, abbastanza vecchio, sempre rotto, un po'
        lento, piuttosto caro, molto pesante, ancora nuovo, quasi vuoto, già pieno, troppo freddo, davvero
        strano"""
    ),
    "random": entries(
        """casa, tempo, giorno, notte, anno, mese, settimana, ora, minuto, mondo, vita, morte, amore, paura,
        forza, mano, occhio, cuore, voce, parola, lingua, strada, città, paese, mare, monte, fiume, lago,
        bosco, campo, fiore, albero, foglia, erba, terra, cielo, sole, luna, stella, vento, pioggia, neve,
        ghiaccio, fuoco, luce, ombra, colore, suono, musica, canzone, storia, libro, pagina, lettera, penna,
        carta, scuola, maestro, bambino, ragazza, uomo, donna, famiglia, padre, madre, fratello, sorella,
        amico, nemico, gente, popolo, re, guerra, pace, legge, giustizia, lavoro, soldi, prezzo, mercato,
        negozio, vestito, scarpa, cappello, anello, chiave, porta, finestra, muro, tetto, scala, letto,
        tavola, sedia, piatto, bicchiere, coltello, forchetta, cucchiaio, pane, vino, olio, sale, zucchero,
        latte, uovo, carne, pesce, frutta, mela, uva, limone, gatto, cane, cavallo, mucca, uccello, leone,
        lupo, topo, mosca, treno, nave, aereo, ponte, viaggio, valigia, biglietto, albergo, spiaggia, isola,
        montagna, valle, deserto, pietra, ferro, oro, argento, legno, vetro, acqua, aria, testa, naso, bocca,
        orecchio, braccio, gamba, piede, dito, pelle, sangue, dolore, gioia, sogno, sonno, pensiero, idea,
        domanda, risposta, verità, bugia, errore, ragione, torto, inizio, fine, parte, mezzo, metà, numero,
        gruppo, squadra, gioco, festa, regalo, premio, prova, esame, lezione, andare, venire, fare, dire,
        vedere, sentire, parlare, mangiare, bere, dormire, correre, camminare, leggere, scrivere, comprare,
        vendere, aprire, chiudere, cercare, trovare, perdere, vincere, ridere, piangere, cantare, ballare,
        giocare, lavorare, studiare, imparare, insegnare, capire, sapere, credere, pensare, ricordare,
        dimenticare, aspettare, arrivare, partire, restare, tornare, salire, scendere, cadere, mettere,
        prendere, portare, mandare, chiamare, rispondere, chiedere, aiutare, amare, odiare, volere, potere,
        dovere, vivere, morire, nascere, crescere, bello, brutto, buono, cattivo, grande, piccolo, alto,
        basso, lungo, corto, largo, stretto, nuovo, vecchio, giovane, caldo, freddo, forte, debole, ricco,
        povero, felice, triste, facile, difficile, veloce, lento, pulito, sporco, pieno, vuoto, dolce, amaro,
        duro, morbido, chiaro, scuro, vero, falso, giusto, sbagliato, libero, sicuro, stanco, malato, sano,
        solo, insieme, sempre, mai, spesso, presto, tardi, oggi, domani, ieri, adesso, dopo, prima, ancora,
        già, quasi, forse, certo, molto, poco, troppo, abbastanza, bene, male, meglio, peggio, qui, là,
        dentro, fuori, sopra, sotto, davanti, dietro, vicino, lontano, con, senza, per, tra, contro, verso,
        durante, perché, quando, come, dove, quanto, quale, anche, però, quindi, mentre, sebbene, oppure,
        nessuno, qualcuno, tutto, niente, ogni, alcuni, questo, quello, mio, tuo, nostro, vostro, loro, primo,
        secondo, terzo, ultimo, dicono, andiamo, vedo, sento, parla, mangia, dorme, corrono, leggiamo, scrivo,
        comprano, apre, chiude, cerco, trovano, vince, ride, canta, lavoriamo, studia, capisco, credete,
        penso, ricorda, aspettano, arriva, partono, torno, cade, prende, porta, chiamate"""
    ),
}
