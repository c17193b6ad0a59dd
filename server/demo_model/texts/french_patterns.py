"""French sentences by family; ``{kind}`` stands for an entry of `french_words`."""

from __future__ import annotations

from demo_model.texts.grammar import lines

PATTERNS = {
    "bookings": lines(
        """
Je voudrais réserver une table pour {num} personnes {time}.
Est-ce que je peux déplacer la réservation à {weekday} {time}?
J'ai besoin d'une chambre pour {num} nuits.
La réservation est au nom de {first} {last}.
Je dois annuler le rendez-vous de {weekday} {daypart}.
Il reste de la place {weekday} {time}?
Nous serons {num}, avec deux enfants.
Mon numéro de réservation est le {digits}.
Je voudrais une table près de la fenêtre, si possible.
Nous arrivons {date} et nous partons {date}.
Le petit déjeuner est compris dans le prix?
Avez-vous une chambre libre pour {date}?
Pouvez-vous confirmer la réservation pour {weekday}?
J'ai réservé une chambre double à {city}.
Je voudrais voir {job_the} {weekday} {daypart}.
"""
    ),
    "orders": lines(
        """
Je voudrais commander {product_a} de couleur {colour}.
Combien coûte {product_the}?
J'ai acheté {product_a} {weekday}, mais c'est {adj}.
Le total est de {price}.
Apportez-moi {food} et un verre, s'il vous plaît.
Je prends {food} avec {food}.
Ma commande porte le numéro {digits}.
Quand arrive {product_the}?
Je veux rendre {product_the} que j'ai acheté à {city}.
Je peux payer par carte?
Envoyez tout au {num}, {street}.
Avez-vous {product_a} moins cher?
Ajoute {food} à la liste des courses.
Je cherche {product_a} pour {relative}.
Une bouteille, {drink}, merci.
Ça coûte {price}, n'est-ce pas?
"""
    ),
    "identity": lines(
        """
Je m'appelle {first} {last}.
Mon numéro de téléphone est le {digits}.
J'habite au {num}, {street}, à {city}.
Je suis né {date} à {city}.
Mon nom de famille est {last}.
Je parle bien à madame {last}?
Je suis {first}, de la part de {relative}.
Le numéro de client est le {digits}.
J'ai {num} ans et je vis à {city}.
Mon adresse a changé {date}.
Je travaille comme {job_a} à {city}.
Pouvez-vous répéter votre nom, s'il vous plaît?
Mon adresse mail est toujours la même.
Le prénom est {first}, le nom {last}.
"""
    ),
    "support": lines(
        """
Je n'arrive pas à allumer {product_the}.
{product_the} ne marche plus.
J'ai oublié mon mot de passe.
La ligne a coupé il y a {num} minutes.
Pouvez-vous envoyer un technicien {weekday} {daypart}?
Mon compte est bloqué depuis {weekday}.
Je voudrais parler avec {job_the}, s'il vous plaît.
La facture de {price} n'est pas correcte.
Le numéro de série est le {digits}.
Internet est {adj} depuis {num} jours.
Comment puis-je changer mon contrat?
J'ai déjà essayé, mais ça ne sert à rien.
Vous m'avez envoyé {product_a} par erreur.
J'attends une réponse depuis {num} jours.
Je voudrais un remboursement de {price}.
"""
    ),
    "smalltalk": lines(
        """
Bonjour, comment allez-vous?
Oui, merci.
Non merci, c'est bien comme ça.
D'accord, ça marche.
Un instant, s'il vous plaît.
Il fait très froid aujourd'hui à {city}.
Demain nous allons voir {relative}.
Quelle belle journée!
Je ne sais pas, je dois réfléchir.
On se voit {weekday} {time}.
J'ai vu {relative} à {city}.
J'aime beaucoup {food}.
Merci beaucoup, au revoir.
{first} et {first} sont en vacances à {city}.
Qu'est-ce que vous faites {weekday} {daypart}?
Bien sûr, avec plaisir!
Parfait, à {weekday} alors.
"""
    ),
    "commands": lines(
        """
Allume la lumière {room}.
Éteins la musique {room}.
Mets le réveil {time}.
Appelle {first} {last}.
Rappelle-moi d'appeler {relative} {time}.
Baisse le volume, s'il te plaît.
Envoie un message à {first}.
Quel temps fait-il à {city}?
Ouvre la fenêtre {room}.
Règle la température à {num} degrés.
Lis les dernières nouvelles.
Ferme la porte {room}.
Compte jusqu'à {num}.
Où est {place}?
Trouve {place}, {street}.
"""
    ),
    "travel": lines(
        """
À quelle heure part {vehicle} pour {city}?
Un billet pour {city}, aller simple.
Je voudrais aller à {city} {weekday} {daypart}.
{vehicle} a {num} minutes de retard.
Combien de temps dure le voyage de {city} à {city}?
Où est-ce que je peux acheter les billets?
J'ai perdu ma valise à {city}.
Le vol pour {city} part {time}.
Comment aller d'ici à {city}?
Nous prenons {vehicle} {time}.
Y a-t-il un train direct pour {city}?
Le quai est le numéro {num}.
Nous rentrons à {city} {date}.
Je voudrais une place côté fenêtre.
L'arrêt est devant {place}.
"""
    ),
    "health": lines(
        """
J'ai mal {body}.
J'ai de la fièvre depuis {num} jours.
Je dois prendre le médicament {time}.
Je voudrais voir {job_the} {weekday}.
{relative} a mal {body}.
J'ai dormi seulement {num} heures.
Prenez deux cachets par jour.
Depuis quand avez-vous mal {body}?
Je suis allergique au lait et aux œufs.
{job_the} arrive {time}.
J'ai besoin d'une ordonnance.
Je me sens beaucoup mieux, merci.
L'examen est {weekday} {time}.
Je me suis cogné {weekday} {daypart}.
"""
    ),
}
