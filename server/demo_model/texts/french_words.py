"""French words and phrases by kind, for the patterns of `french_patterns`."""

from __future__ import annotations

from demo_model.texts.grammar import entries

WORDS = {
    "digit": entries("zéro, un, deux, trois, quatre, cinq, six, sept, huit, neuf"),
    "num": entries(
        """deux, trois, quatre, cinq, six, sept, huit, neuf, dix, onze, douze, treize, quatorze, quinze,
        seize, dix-sept, dix-huit, dix-neuf, vingt, vingt-deux, vingt-trois, vingt-cinq, vingt-huit, trente,
        trente-deux, trente-cinq, trente-huit, quarante, quarante-deux, quarante-cinq, cinquante,
        cinquante-quatre, soixante, soixante-cinq, soixante-neuf, soixante-dix, soixante-douze,
        soixante-seize, quatre-vingts, quatre-vingt-cinq, quatre-vingt-dix, quatre-vingt-dix-neuf"""
    ),
    "time": entries(
        """à une heure, à deux heures, à trois heures, à quatre heures, à cinq heures, à six heures, à sept
        heures, à huit heures, à neuf heures, à dix heures, à onze heures, à midi, à minuit, à deux heures et
        demie, à trois heures et demie, à quatre heures et quart, à cinq heures et demie, à six heures et
        quart, à sept heures et demie, à huit heures et demie, à neuf heures et quart, à dix heures et demie,
        à huit heures du soir, à sept heures du matin, à neuf heures moins le quart, à six heures moins dix, à
        onze heures vingt, à quatre heures vingt, à cinq heures moins cinq, à midi et demi, à quinze heures, à
        dix-huit heures trente, à vingt heures, à vingt et une heures"""
    ),
    "date": entries(
        """le premier janvier, le deux février, le trois mars, le quatre avril, le cinq mai, le six juin, le
        sept juillet, le huit août, le neuf septembre, le dix octobre, le onze novembre, le douze décembre, le
        treize janvier, le quatorze février, le quinze mars, le seize avril, le dix-sept mai, le dix-huit
        juin, le dix-neuf juillet, le vingt août, le vingt et un septembre, le vingt-deux octobre, le
        vingt-trois novembre, le vingt-quatre décembre, le vingt-cinq avril, le vingt-six janvier, le
        vingt-sept mars, le vingt-huit mai, le vingt-neuf juillet, le trente septembre, le trente et un
        octobre, le premier juin, le deux novembre, le quatre juillet, le six mars, le neuf août, le douze
        avril"""
    ),
    "weekday": entries("lundi, mardi, mercredi, jeudi, vendredi, samedi, dimanche"),
    "daypart": entries("matin, midi, après-midi, soir"),
    "first": entries(
        """Marie, Pierre, Camille, Nicolas, Julie, Antoine, Sophie, Thomas, Claire, Julien, Isabelle,
        François, Nathalie, Laurent, Sylvie, Philippe, Catherine, Michel, Valérie, Alain, Christine, Bernard,
        Sandrine, Olivier, Céline, Patrick, Aurélie, Stéphane, Émilie, Christophe, Charlotte, Guillaume,
        Manon, Mathieu, Léa, Vincent, Chloé, Hugo, Inès, Louis, Jeanne, Arthur, Louise, Gabriel, Alice,
        Raphaël, Hélène, Benoît, Margaux, Étienne"""
    ),
    "last": entries(
        """Martin, Bernard, Dubois, Thomas, Robert, Richard, Petit, Durand, Leroy, Moreau, Simon, Laurent,
        Lefebvre, Michel, Garcia, David, Bertrand, Roux, Vincent, Fournier, Morel, Girard, André, Lefèvre,
        Mercier, Dupont, Lambert, Bonnet, François, Martinez, Legrand, Garnier, Faure, Rousseau, Blanc,
        Guérin, Muller, Henry, Roussel, Nicolas, Perrin, Morin, Mathieu, Clément, Gauthier, Dumont, Lopez,
        Fontaine, Chevalier, Robin, Masson, Sanchez, Gérard, Nguyen, Boyer, Denis, Lemaire, Duval, Joly,
        Gautier"""
    ),
    "city": entries(
        """Paris, Marseille, Lyon, Toulouse, Nice, Nantes, Montpellier, Strasbourg, Bordeaux, Lille, Rennes,
        Reims, Toulon, Saint-Étienne, Grenoble, Dijon, Angers, Nîmes, Clermont-Ferrand, Brest, Tours, Amiens,
        Limoges, Annecy, Perpignan, Metz, Besançon, Orléans, Rouen, Mulhouse, Caen, Nancy, Avignon, Poitiers,
        Versailles, Pau, Cannes, Antibes, Dunkerque, Calais, Colmar, Bourges, Valence, Quimper, Troyes,
        Lorient, Chambéry, Niort, Vannes, Arles"""
    ),
    "product_a": entries(
        """un téléphone, une lampe, une table, une chaise, un ordinateur, une imprimante, un écran, une veste,
        un manteau, une chemise, une robe, un sac, une valise, une montre, un vélo, un canapé, un lit, une
        armoire, un clavier, un livre, un four, un frigo, un tapis, un rideau, un parapluie, un miroir, une
        guitare, une caméra, une radio, une clé"""
    ),
    "product_the": entries(
        """le téléphone, la lampe, la table, la chaise, l'ordinateur, l'imprimante, l'écran, la veste, le
        manteau, la chemise, la robe, le sac, la valise, la montre, le vélo, le canapé, le lit, l'armoire, le
        clavier, le livre, le four, le frigo, le tapis, le rideau, le parapluie, le miroir, la guitare, la
        radio"""
    ),
    "food": entries(
        """le pain, les pâtes, le riz, le poulet, le poisson, la viande, la salade, la soupe, le fromage, le
        jambon, les pommes de terre, les tomates, les carottes, les champignons, les fruits, les pommes, les
        poires, les oranges, la glace, la tarte, les biscuits, l'omelette, les lentilles, les épinards, le
        thon, le saumon, les œufs, le beurre, le miel, la confiture"""
    ),
    "drink": entries("eau, vin rouge, vin blanc, bière, lait, jus d'orange, thé glacé, café, limonade, cidre"),
    "colour": entries("rouge, blanc, noir, vert, jaune, gris, bleu, marron, violet, rose, orange, beige"),
    "job_a": entries(
        """médecin, avocate, professeur, infirmière, cuisinier, journaliste, ingénieur, actrice, architecte,
        chanteuse, agriculteur, technicien, secrétaire, peintre, chauffeur"""
    ),
    "job_the": entries(
        """le médecin, le dentiste, l'avocat, le directeur, la secrétaire, le technicien, le mécanicien, la
        coiffeuse, le conseiller, l'infirmière, le vétérinaire, la maîtresse"""
    ),
    "street": entries(
        """rue de la Paix, rue Victor Hugo, avenue Foch, rue du Moulin, place de la République, rue des
        Fleurs, boulevard Voltaire, rue de la Gare, rue Pasteur, avenue de la Liberté, rue du Port, place du
        Marché, rue Saint-Jean, rue Molière, rue Nationale, avenue du Parc, rue des Lilas, quai de la Seine,
        rue du Château, rue de Rivoli, place Bellecour, rue des Écoles, chemin Vert"""
    ),
    "price": entries(
        """deux euros, cinq euros, dix euros, douze euros cinquante, quinze euros, vingt euros, vingt-cinq
        euros, trente euros, trente-cinq euros, quarante euros, quarante-neuf euros, cinquante euros, soixante
        euros, soixante-quinze euros, quatre-vingts euros, cent euros, cent vingt euros, cent cinquante euros,
        deux cents euros, trois cents euros, mille euros, trois euros vingt, sept euros quatre-vingts, neuf
        euros"""
    ),
    "relative": entries(
        """ma mère, mon père, ma sœur, mon frère, mon fils, ma fille, ma grand-mère, mon grand-père, ma tante,
        mon oncle, mon mari, ma femme, mon ami, mon amie, mon chef, ma voisine"""
    ),
    "body": entries(
        """à la tête, au dos, au bras, à la jambe, au genou, au ventre, à la gorge, au pied, à la main, à
        l'épaule, aux dents, à l'oreille, au cou"""
    ),
    "place": entries(
        """le bureau, la gare, l'aéroport, le musée, la pharmacie, la banque, l'hôpital, la bibliothèque, le
        marché, le supermarché, la piscine, le théâtre, l'école, le parc, l'église, le restaurant, la plage"""
    ),
    "room": entries(
        "dans la cuisine, dans le salon, dans la chambre, dans le jardin, dans le couloir, dans le garage, à la cave"
    ),
    "vehicle": entries("le train, le bus, l'avion, le bateau, le métro, le tramway, le car"),
    "adj": entries(
        """très beau, trop petit, trop grand, vraiment bon, assez vieux, toujours cassé, un peu lent, plutôt
        cher, très lourd, encore neuf, presque vide, déjà plein, trop froid, très bizarre"""
    ),
    "random": entries(
        """maison, temps, jour, nuit, année, mois, semaine, heure, minute, monde, vie, mort, amour, peur,
        force, main, œil, cœur, voix, mot, langue, rue, ville, pays, mer, montagne, fleuve, lac, forêt, champ,
        fleur, arbre, feuille, herbe, terre, ciel, soleil, lune, étoile, vent, pluie, neige, glace, feu,
        lumière, ombre, couleur, bruit, musique, chanson, histoire, livre, page, lettre, plume, papier, école,
        enfant, fille, homme, femme, famille, père, mère, frère, sœur, ami, ennemi, gens, peuple, roi, guerre,
        paix, loi, justice, travail, argent, prix, marché, magasin, robe, chaussure, chapeau, bague, clé,
        porte, fenêtre, mur, toit, escalier, lit, table, chaise, assiette, verre, couteau, fourchette,
        cuillère, pain, vin, huile, sel, sucre, lait, œuf, viande, poisson, fruit, pomme, raisin, citron,
        chat, chien, cheval, vache, oiseau, lion, loup, souris, mouche, train, bateau, avion, pont, voyage,
        valise, billet, hôtel, plage, île, vallée, désert, pierre, fer, or, bois, eau, air, tête, nez, bouche,
        oreille, bras, jambe, pied, doigt, peau, sang, douleur, joie, rêve, sommeil, pensée, idée, question,
        réponse, vérité, mensonge, erreur, raison, tort, début, fin, partie, milieu, moitié, nombre, groupe,
        équipe, jeu, fête, cadeau, examen, leçon, aller, venir, faire, dire, voir, entendre, parler, manger,
        boire, dormir, courir, marcher, lire, écrire, acheter, vendre, ouvrir, fermer, chercher, trouver,
        perdre, gagner, rire, pleurer, chanter, danser, jouer, travailler, étudier, apprendre, comprendre,
        savoir, croire, penser, oublier, attendre, arriver, partir, rester, revenir, monter, descendre,
        tomber, mettre, prendre, porter, envoyer, appeler, répondre, demander, aider, aimer, vouloir, pouvoir,
        devoir, vivre, mourir, naître, grandir, beau, laid, bon, mauvais, grand, petit, haut, bas, long,
        court, large, étroit, nouveau, vieux, jeune, chaud, froid, fort, faible, riche, pauvre, heureux,
        triste, facile, difficile, rapide, lent, propre, sale, plein, vide, doux, amer, dur, mou, clair,
        sombre, vrai, faux, juste, libre, sûr, fatigué, malade, seul, ensemble, toujours, jamais, souvent,
        bientôt, tard, demain, hier, maintenant, après, avant, encore, déjà, presque, certain, beaucoup, peu,
        trop, assez, bien, mal, mieux, pire, ici, dedans, dehors, dessus, dessous, devant, derrière, près,
        loin, avec, sans, pour, entre, contre, vers, pendant, parce que, quand, comme, combien, aussi, mais,
        donc, alors, personne, quelqu'un, tout, rien, chaque, notre, votre, leur, premier, second, troisième,
        dernier, nous allons, vous dites, je vois, il parle, elle mange, on dort, ils courent, nous lisons,
        elle ouvre, je cherche, tu trouves, il gagne, elle chante, nous travaillons, il comprend, je pense,
        ils attendent, elle arrive, je reviens, il tombe, grenouille, écureuil, montgolfière, parapluie,
        champignon, printemps, automne, cerise, oignon, aiguille, fauteuil, bouteille"""
    ),
}
