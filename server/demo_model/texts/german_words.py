"""German words and phrases by kind, for the patterns of `german_patterns`."""

from __future__ import annotations

from demo_model.texts.grammar import entries

WORDS = {
    "digit": entries("null, eins, zwei, drei, vier, fünf, sechs, sieben, acht, neun"),
    "num": entries(
        """zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn, elf, zwölf, dreizehn, vierzehn, fünfzehn,
        sechzehn, siebzehn, achtzehn, neunzehn, zwanzig, zweiundzwanzig, dreiundzwanzig, fünfundzwanzig,
        achtundzwanzig, dreißig, zweiunddreißig, fünfunddreißig, achtunddreißig, vierzig, zweiundvierzig,
        fünfundvierzig, fünfzig, vierundfünfzig, sechzig, fünfundsechzig, neunundsechzig, siebzig,
        zweiundsiebzig, sechsundsiebzig, achtzig, fünfundachtzig, neunzig, neunundneunzig"""
    ),
    "time": entries(
        """um ein Uhr, um zwei Uhr, um drei Uhr, um vier Uhr, um fünf Uhr, um sechs Uhr, um sieben Uhr, um
        acht Uhr, um neun Uhr, um zehn Uhr, um elf Uhr, um zwölf Uhr, um halb zwei, um halb drei, um halb
        vier, um halb fünf, um halb sechs, um halb sieben, um halb acht, um halb neun, um halb zehn, um
        Viertel nach vier, um Viertel vor neun, um Viertel nach sechs, um zehn vor sechs, um zwanzig nach elf,
        um fünf vor fünf, um acht Uhr abends, um sieben Uhr morgens, um Mitternacht, gegen Mittag, um fünfzehn
        Uhr, um achtzehn Uhr dreißig, um zwanzig Uhr fünfzehn"""
    ),
    "date": entries(
        """am ersten Januar, am zweiten Februar, am dritten März, am vierten April, am fünften Mai, am
        sechsten Juni, am siebten Juli, am achten August, am neunten September, am zehnten Oktober, am elften
        November, am zwölften Dezember, am dreizehnten Januar, am vierzehnten Februar, am fünfzehnten März, am
        sechzehnten April, am siebzehnten Mai, am achtzehnten Juni, am neunzehnten Juli, am zwanzigsten
        August, am einundzwanzigsten September, am zweiundzwanzigsten Oktober, am dreiundzwanzigsten November,
        am vierundzwanzigsten Dezember, am fünfundzwanzigsten April, am sechsundzwanzigsten Januar, am
        siebenundzwanzigsten März, am achtundzwanzigsten Mai, am neunundzwanzigsten Juli, am dreißigsten
        September, am einunddreißigsten Oktober, am ersten Juni, am zweiten November, am vierten Juli, am
        sechsten März, am neunten August, am zwölften April"""
    ),
    "weekday": entries("Montag, Dienstag, Mittwoch, Donnerstag, Freitag, Samstag, Sonntag"),
    "daypart": entries("Morgen, Vormittag, Mittag, Nachmittag, Abend"),
    "first": entries(
        """Anna, Lukas, Lena, Felix, Julia, Stefan, Katharina, Thomas, Sabine, Michael, Petra, Andreas,
        Monika, Christian, Claudia, Martin, Susanne, Peter, Birgit, Jürgen, Heike, Wolfgang, Ursula, Klaus,
        Renate, Markus, Nicole, Florian, Laura, Tobias, Sarah, Jonas, Marie, Paul, Sophie, Maximilian, Hannah,
        Leon, Emma, Moritz, Johanna, Fritz, Greta, Karl, Ingrid, Dieter, Brigitte, Günther, Elke, Oliver"""
    ),
    "last": entries(
        """Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann, Schäfer, Koch,
        Bauer, Richter, Klein, Wolf, Schröder, Neumann, Schwarz, Zimmermann, Braun, Krüger, Hofmann, Hartmann,
        Lange, Schmitt, Werner, Schmitz, Krause, Meier, Lehmann, Köhler, Herrmann, König, Walter, Mayer,
        Huber, Kaiser, Fuchs, Peters, Lang, Scholz, Möller, Weiß, Jung, Hahn, Schubert, Vogel, Friedrich,
        Keller, Günther, Frank, Berger, Winkler, Roth, Beck, Lorenz, Baumann, Franke, Albrecht"""
    ),
    "city": entries(
        """Berlin, Hamburg, München, Köln, Frankfurt, Stuttgart, Düsseldorf, Leipzig, Dortmund, Essen, Bremen,
        Dresden, Hannover, Nürnberg, Duisburg, Bochum, Wuppertal, Bielefeld, Bonn, Münster, Karlsruhe,
        Mannheim, Augsburg, Wiesbaden, Braunschweig, Chemnitz, Kiel, Aachen, Halle, Magdeburg, Freiburg,
        Krefeld, Lübeck, Mainz, Erfurt, Rostock, Kassel, Hagen, Saarbrücken, Potsdam, Heidelberg, Ulm,
        Regensburg, Würzburg, Bamberg, Trier, Jena, Konstanz, Passau, Weimar"""
    ),
    "product_a": entries(
        """ein Telefon, eine Lampe, einen Tisch, einen Stuhl, einen Rechner, einen Drucker, einen Bildschirm,
        eine Jacke, einen Mantel, ein Hemd, ein Kleid, eine Tasche, einen Rucksack, einen Koffer, eine Uhr,
        ein Fahrrad, ein Sofa, ein Bett, einen Schrank, eine Tastatur, ein Buch, einen Ofen, einen
        Kühlschrank, eine Waschmaschine, einen Teppich, einen Vorhang, einen Schirm, einen Spiegel, eine
        Gitarre, eine Kamera"""
    ),
    "product_the": entries(
        """das Telefon, die Lampe, das Regal, die Heizung, das Radio, die Jacke, das Hemd, das Kleid, die
        Tasche, die Uhr, das Fahrrad, das Sofa, das Bett, die Tastatur, das Buch, die Waschmaschine, die
        Gitarre, die Kamera, das Auto, die Spülmaschine, das Tablet, die Maus, das Ladekabel, die
        Kaffeemaschine, das Bild, die Batterie, das Gerät"""
    ),
    "food": entries(
        """Brot, Nudeln, Reis, Hähnchen, Fisch, Fleisch, Salat, Suppe, Käse, Schinken, Kartoffeln, Tomaten,
        Karotten, Pilze, Obst, Äpfel, Birnen, Orangen, Eis, Kuchen, Kekse, Würstchen, Linsen, Spinat,
        Thunfisch, Lachs, Eier, Butter, Honig, Marmelade"""
    ),
    "drink": entries("Wasser, Rotwein, Weißwein, Bier, Milch, Orangensaft, Eistee, Kaffee, Limonade, Apfelsaft"),
    "colour": entries("Rot, Weiß, Schwarz, Grün, Gelb, Grau, Blau, Braun, Lila, Rosa, Orange, Türkis"),
    "job_a": entries(
        """Arzt, Anwältin, Lehrer, Krankenschwester, Koch, Journalistin, Ingenieur, Schauspielerin, Architekt,
        Sängerin, Bauer, Techniker, Sekretärin, Maler, Fahrer"""
    ),
    "job_the": entries(
        """dem Arzt, dem Zahnarzt, der Anwältin, dem Direktor, der Sekretärin, dem Techniker, dem Mechaniker,
        der Friseurin, dem Berater, der Krankenschwester, dem Tierarzt, der Lehrerin"""
    ),
    "street": entries(
        """Hauptstraße, Bahnhofstraße, Gartenstraße, Goethestraße, Schillerstraße, Lindenallee, Bergstraße,
        Kirchweg, Schulstraße, Rosenweg, Mozartstraße, Waldweg, Marktplatz, Ringstraße, Mühlweg, Feldstraße,
        Beethovenstraße, Parkallee, Sonnenweg, Hafenstraße, Königstraße, Friedrichstraße, Uferweg, Birkenweg"""
    ),
    "price": entries(
        """zwei Euro, fünf Euro, zehn Euro, zwölf Euro fünfzig, fünfzehn Euro, zwanzig Euro, fünfundzwanzig
        Euro, dreißig Euro, fünfunddreißig Euro neunzig, vierzig Euro, neunundvierzig Euro, fünfzig Euro,
        sechzig Euro, fünfundsiebzig Euro, achtzig Euro, neunzig Euro, hundert Euro, hundertzwanzig Euro,
        hundertfünfzig Euro, zweihundert Euro, dreihundert Euro, tausend Euro, drei Euro zwanzig, sieben Euro
        achtzig, neun Euro"""
    ),
    "relative": entries(
        """meine Mutter, meine Schwester, meine Tochter, meine Oma, meine Tante, meine Frau, meine Freundin,
        meine Chefin, meine Nachbarin, meine Familie, meine Eltern, meine Kinder, meine Kollegin"""
    ),
    "body": entries(
        """der Kopf, der Rücken, der Arm, das Bein, das Knie, der Magen, der Hals, der Fuß, die Hand, die
        Schulter, ein Zahn, das Ohr, der Nacken, die Brust"""
    ),
    "place": entries(
        """das Büro, der Bahnhof, der Flughafen, das Museum, die Apotheke, die Bank, das Krankenhaus, die
        Bücherei, der Markt, der Supermarkt, das Schwimmbad, das Theater, die Schule, der Park, die Kirche,
        das Restaurant, der Strand"""
    ),
    "room": entries(
        "in der Küche, im Wohnzimmer, im Schlafzimmer, im Bad, im Garten, im Flur, in der Garage, im Keller, im Büro"
    ),
    "vehicle": entries("der Zug, der Bus, das Flugzeug, die Fähre, die U-Bahn, die Straßenbahn, das Schiff"),
    "adj": entries(
        """sehr schön, zu klein, zu groß, wirklich gut, ziemlich alt, immer kaputt, etwas langsam, recht
        teuer, sehr schwer, noch neu, fast leer, schon voll, zu kalt, sehr seltsam"""
    ),
    "random": entries(
        """Haus, Zeit, Tag, Nacht, Jahr, Monat, Woche, Stunde, Minute, Welt, Leben, Tod, Liebe, Angst, Kraft,
        Hand, Auge, Herz, Stimme, Wort, Sprache, Straße, Stadt, Land, Meer, Berg, Fluss, See, Wald, Feld,
        Blume, Baum, Blatt, Gras, Erde, Himmel, Sonne, Mond, Stern, Wind, Regen, Schnee, Feuer, Licht,
        Schatten, Farbe, Klang, Musik, Lied, Geschichte, Buch, Seite, Brief, Feder, Papier, Schule, Lehrer,
        Kind, Mädchen, Mann, Frau, Familie, Vater, Mutter, Bruder, Schwester, Freund, Feind, Leute, Volk,
        König, Krieg, Frieden, Gesetz, Recht, Arbeit, Geld, Preis, Markt, Laden, Kleid, Schuh, Hut, Ring,
        Schlüssel, Tür, Fenster, Wand, Dach, Treppe, Bett, Tisch, Stuhl, Teller, Glas, Messer, Gabel, Löffel,
        Brot, Wein, Öl, Salz, Zucker, Milch, Fleisch, Fisch, Apfel, Traube, Zitrone, Katze, Hund, Pferd, Kuh,
        Vogel, Löwe, Wolf, Maus, Fliege, Zug, Schiff, Flugzeug, Brücke, Reise, Koffer, Karte, Hotel, Strand,
        Insel, Tal, Wüste, Stein, Eisen, Gold, Silber, Holz, Wasser, Luft, Kopf, Nase, Mund, Ohr, Arm, Bein,
        Fuß, Finger, Haut, Blut, Schmerz, Freude, Traum, Schlaf, Gedanke, Idee, Frage, Antwort, Wahrheit,
        Lüge, Fehler, Grund, Schuld, Anfang, Ende, Teil, Mitte, Hälfte, Zahl, Gruppe, Spiel, Fest, Geschenk,
        Prüfung, Stunde, gehen, kommen, machen, sagen, sehen, hören, sprechen, essen, trinken, schlafen,
        laufen, wandern, lesen, schreiben, kaufen, verkaufen, öffnen, schließen, suchen, finden, verlieren,
        gewinnen, lachen, weinen, singen, tanzen, spielen, arbeiten, studieren, lernen, lehren, verstehen,
        wissen, glauben, denken, erinnern, vergessen, warten, ankommen, abfahren, bleiben, zurückkehren,
        steigen, fallen, legen, nehmen, tragen, schicken, rufen, antworten, fragen, helfen, lieben, hassen,
        wollen, können, müssen, leben, sterben, wachsen, schön, hässlich, gut, schlecht, groß, klein, hoch,
        tief, lang, kurz, breit, schmal, neu, alt, jung, warm, kalt, stark, schwach, reich, arm, glücklich,
        traurig, leicht, schwer, schnell, langsam, sauber, schmutzig, voll, leer, süß, bitter, hart, weich,
        hell, dunkel, wahr, falsch, richtig, frei, sicher, müde, krank, gesund, allein, zusammen, immer, nie,
        oft, bald, spät, heute, morgen, gestern, jetzt, danach, vorher, noch, schon, fast, vielleicht, gewiss,
        viel, wenig, genug, besser, schlimmer, hier, dort, drinnen, draußen, oben, unten, vorne, hinten, nah,
        fern, mit, ohne, für, zwischen, gegen, nach, während, weil, wenn, wie, wo, auch, aber, also, obwohl,
        oder, niemand, jemand, alles, nichts, jeder, einige, dieser, jener, mein, unser, euer, erste, zweite,
        dritte, letzte, sagt, gehen wir, sehe, höre, spricht, isst, schläft, rennen, lesen wir, schreibe,
        kaufen, öffnet, schließt, suche, findet, gewinnt, lacht, singt, lernt, verstehe, glaubt, denke,
        wartet, ankommt, nimmt, trägt, zwanzig, Pfeffer, Zeitung, Sprung, Schwimmbad, Eichhörnchen,
        Schmetterling, Frühling, Herbst, Zwiebel, Knoblauch, Quelle, Kirsche"""
    ),
}
