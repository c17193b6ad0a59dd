"""Italian sentences by family; ``{kind}`` stands for an entry of `italian_words`."""

from __future__ import annotations

from demo_model.texts.grammar import lines

PATTERNS = {
    "bookings": lines(
        """
Vorrei prenotare un tavolo per {num} persone {time}.
Posso spostare la prenotazione a {weekday} {time}?
Ho bisogno di una camera per {num} notti.
La prenotazione è a nome {first} {last}.
Devo disdire l'appuntamento di {weekday} {daypart}.
C'è ancora posto {weekday} {time}?
Saremo in {num}, con due bambini.
Il mio numero di prenotazione è {digits}.
Vorrei un tavolo vicino alla finestra, se possibile.
Arriviamo {date} e partiamo {date}.
La colazione è compresa nel prezzo?
Avete una camera libera per {date}?
Può confermare la prenotazione per {weekday}?
Ho prenotato una camera doppia a {city}.
Vorrei un appuntamento con {job_the} per {weekday}.
"""
    ),
    "orders": lines(
        """
Vorrei ordinare {product_a} di colore {colour}.
Quanto costa {product_the}?
Ho comprato {product_a} {weekday}, ma è {adj}.
Il totale è di {price}.
Mi porti {food} e un bicchiere di {drink}, per favore.
Prendo {food} con {food}.
Il mio ordine ha il numero {digits}.
Quando arriva {product_the}?
Vorrei restituire {product_the} che ho comprato a {city}.
Posso pagare con la carta?
Spedite tutto in {street}, numero {num}.
Avete {product_a} meno caro?
Aggiunga {food} alla lista della spesa.
Cerco {product_a} per {relative}.
Per me una bottiglia di {drink}, grazie.
Costa {price}, vero?
"""
    ),
    "identity": lines(
        """
Mi chiamo {first} {last}.
Il mio numero di telefono è {digits}.
Abito in {street}, numero {num}, a {city}.
Sono nato {date} a {city}.
Il mio cognome è {last}.
Parlo con la signora {last}?
Sono {first}, l'amico di {relative}.
Il codice del cliente è {digits}.
Ho {num} anni e vivo a {city}.
Il mio indirizzo è cambiato {date}.
Lavoro come {job_a} a {city}.
Può ripetere il suo nome, per favore?
La mia email è sempre la stessa.
Il nome è {first}, il cognome {last}.
"""
    ),
    "support": lines(
        """
Non riesco ad accendere {product_the}.
{product_the} non funziona più.
Ho dimenticato la mia password.
La linea è caduta {num} minuti fa.
Può mandare un tecnico {weekday} {daypart}?
Il mio conto è bloccato da {weekday}.
Vorrei parlare con {job_the}, per favore.
La fattura di {price} non è corretta.
Il numero di serie è {digits}.
Internet è {adj} da {num} giorni.
Come posso cambiare il mio contratto?
Ho già provato, ma non serve a niente.
Mi avete mandato {product_a} sbagliato.
Aspetto una risposta da {num} giorni.
Vorrei un rimborso di {price}.
"""
    ),
    "smalltalk": lines(
        """
Buongiorno, come sta?
Sì, grazie.
No, grazie, va bene così.
Va bene, d'accordo.
Un momento, per favore.
Oggi fa molto freddo a {city}.
Domani andiamo a trovare {relative}.
Che bella giornata!
Non lo so, ci devo pensare.
Ci vediamo {weekday} {time}.
Ho visto {relative} a {city}.
Mi piace molto {food}.
Grazie mille, arrivederci.
{first} e {first} sono in vacanza a {city}.
Cosa fate {weekday} {daypart}?
Certo, volentieri!
Perfetto, a {weekday} allora.
"""
    ),
    "commands": lines(
        """
Accendi la luce {room}.
Spegni la musica {room}.
Metti la sveglia {time}.
Chiama {first} {last}.
Ricordami di chiamare {relative} {time}.
Abbassa il volume, per favore.
Manda un messaggio a {first}.
Che tempo fa a {city}?
Apri la finestra {room}.
Imposta la temperatura a {num} gradi.
Leggi le ultime notizie.
Chiudi la porta {room}.
Conta fino a {num}.
Dov'è {place} più vicino?
Trova {place} in {street}.
"""
    ),
    "travel": lines(
        """
A che ora parte {vehicle} per {city}?
Un biglietto per {city}, solo andata.
Vorrei andare a {city} {weekday} {daypart}.
{vehicle} è in ritardo di {num} minuti.
Quanto dura il viaggio da {city} a {city}?
Dove posso comprare i biglietti?
Ho perso la valigia a {city}.
Il volo per {city} parte {time}.
Come arrivo da qui a {street}?
Prendiamo {vehicle} {time}.
C'è {vehicle} diretto per {city}?
Il binario è il numero {num}.
Torniamo a {city} {date}.
Vorrei un posto vicino al finestrino.
La fermata è davanti {place}.
"""
    ),
    "health": lines(
        """
Mi fa male {body}.
Ho la febbre da {num} giorni.
Devo prendere la medicina {time}.
Vorrei un appuntamento con {job_the}.
{relative} ha male a un piede.
Ho dormito solo {num} ore.
Prenda due pastiglie al giorno.
Da quando le fa male {body}?
Sono allergico al latte e alle uova.
{job_the} arriva {time}.
Ho bisogno di una ricetta.
Mi sento molto meglio, grazie.
L'esame è {weekday} {time}.
Ho battuto {body} {weekday}.
"""
    ),
}
