"""German sentences by family; ``{kind}`` stands for an entry of `german_words`."""

from __future__ import annotations

from demo_model.texts.grammar import lines

PATTERNS = {
    "bookings": lines(
        """
Ich möchte {time} einen Tisch für {num} Personen reservieren.
Kann ich die Buchung auf {weekday} verschieben?
Ich brauche ein Zimmer für {num} Nächte.
Die Reservierung läuft auf {first} {last}.
Ich muss den Termin am {weekday} absagen.
Ist am {weekday} {time} noch etwas frei?
Wir sind {num} Leute, mit zwei Kindern.
Meine Buchungsnummer ist {digits}.
Ich hätte gern einen Tisch am Fenster, wenn es geht.
Wir kommen {date} an und fahren {date} wieder ab.
Ist das Frühstück im Preis enthalten?
Haben Sie {date} noch ein Zimmer frei?
Können Sie die Buchung für {weekday} bestätigen?
Ich habe ein Doppelzimmer in {city} gebucht.
Ich möchte am {weekday} einen Termin bei {job_the}.
"""
    ),
    "orders": lines(
        """
Ich möchte {product_a} in {colour} bestellen.
Was kostet {product_the}?
Ich habe am {weekday} {product_a} gekauft, aber es ist {adj}.
Das macht zusammen {price}.
Bringen Sie mir {food} und ein Glas {drink}, bitte.
Ich nehme {food} mit {food}.
Meine Bestellung hat die Nummer {digits}.
Wann kommt {product_the} an?
Ich möchte {product_the} aus {city} zurückgeben.
Kann ich mit Karte zahlen?
Schicken Sie alles in die {street}, Nummer {num}.
Haben Sie {product_a}, der nicht so teuer ist?
Setz {food} auf die Einkaufsliste.
Ich suche {product_a} für {relative}.
Eine Flasche {drink}, danke.
Das kostet {price}, oder?
"""
    ),
    "identity": lines(
        """
Ich heiße {first} {last}.
Meine Telefonnummer ist {digits}.
Ich wohne in {city}, {street} {num}.
Ich bin {date} in {city} geboren.
Mein Nachname ist {last}.
Spreche ich mit Frau {last}?
Ich bin {first}, ein Freund von {first}.
Die Kundennummer ist {digits}.
Ich bin {num} Jahre alt und lebe in {city}.
Meine Adresse hat sich {date} geändert.
Ich arbeite als {job_a} in {city}.
Können Sie bitte Ihren Namen wiederholen?
Meine Mailadresse ist noch dieselbe.
Der Vorname ist {first}, der Nachname {last}.
"""
    ),
    "support": lines(
        """
Ich kann {product_the} nicht einschalten.
{product_the} funktioniert nicht mehr.
Ich habe mein Passwort vergessen.
Die Leitung ist vor {num} Minuten abgebrochen.
Können Sie am {weekday} einen Techniker schicken?
Mein Konto ist seit {weekday} gesperrt.
Ich möchte bitte mit {job_the} sprechen.
Die Rechnung über {price} stimmt nicht.
Die Seriennummer ist {digits}.
Das Internet ist seit {num} Tagen {adj}.
Wie kann ich meinen Vertrag ändern?
Das habe ich schon versucht, aber es hilft nichts.
Sie haben mir {product_a} geschickt, den ich nicht wollte.
Ich warte seit {num} Tagen auf eine Antwort.
Ich hätte gern {price} zurück.
"""
    ),
    "smalltalk": lines(
        """
Guten Tag, wie geht es Ihnen?
Ja, bitte.
Nein danke, das ist gut so.
In Ordnung, einverstanden.
Einen Augenblick, bitte.
Heute ist es sehr kalt in {city}.
Morgen besuchen wir {relative}.
Was für ein schöner Tag!
Das weiß ich nicht, darüber muss ich nachdenken.
Wir sehen uns am {weekday} {time}.
Ich habe {relative} in {city} getroffen.
Ich mag sehr gern {food}.
Vielen Dank, auf Wiederhören.
{first} und {first} sind im Urlaub in {city}.
Was macht ihr am {weekday} {daypart}?
Natürlich, sehr gern!
Gut, dann bis {weekday}.
"""
    ),
    "commands": lines(
        """
Mach das Licht {room} an.
Stell die Musik {room} aus.
Stell den Wecker {time}.
Ruf {first} {last} an.
Erinnere mich {time} an den Termin.
Mach bitte leiser.
Schick {first} eine Nachricht.
Wie ist das Wetter in {city}?
Öffne das Fenster {room}.
Stell die Heizung auf {num} Grad.
Lies die neuesten Nachrichten vor.
Schließ die Tür {room}.
Zähl bis {num}.
Wo ist {place} in der Nähe?
Such den Weg in die {street}.
"""
    ),
    "travel": lines(
        """
Wann fährt {vehicle} nach {city}?
Eine Fahrkarte nach {city}, einfach.
Ich möchte am {weekday} {daypart} nach {city}.
{vehicle} hat {num} Minuten Verspätung.
Wie lange dauert die Reise von {city} nach {city}?
Wo kann ich die Fahrkarten kaufen?
Ich habe in {city} meinen Koffer verloren.
Der Flug nach {city} geht {time}.
Wie komme ich von hier in die {street}?
Wir treffen uns {time} am Bahnhof.
Gibt es einen direkten Zug nach {city}?
Der Zug fährt von Gleis {num}.
Wir fahren {date} zurück nach {city}.
Ich hätte gern einen Platz am Fenster.
Die Haltestelle ist vor der Kirche.
"""
    ),
    "health": lines(
        """
Mir tut {body} weh.
Ich habe seit {num} Tagen Fieber.
Ich muss {time} die Tabletten nehmen.
Ich brauche einen Termin bei {job_the}.
{relative} hat Schmerzen im Fuß.
Ich habe nur {num} Stunden geschlafen.
Nehmen Sie zwei Tabletten am Tag.
Seit wann tut Ihnen {body} weh?
Ich vertrage keine Milch und keine Eier.
Ich war {date} bei {job_the}.
Ich brauche ein Rezept.
Es geht mir viel besser, danke.
Die Untersuchung ist am {weekday} {time}.
Am {weekday} wurde {body} geröntgt.
"""
    ),
}
