"""Spanish words and phrases by kind, for the patterns of `spanish_patterns`."""

from __future__ import annotations

from demo_model.texts.grammar import entries

WORDS = {
    "digit": entries("cero, uno, dos, tres, cuatro, cinco, seis, siete, ocho, nueve"),
    "num": entries(
        """dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez, once, doce, trece, catorce, quince,
        dieciséis, diecisiete, dieciocho, diecinueve, veinte, veintidós, veintitrés, veinticinco,
        veintiocho, treinta, treinta y dos, treinta y cinco, treinta y ocho, cuarenta, cuarenta y dos,
        cuarenta y cinco, cincuenta, cincuenta y cuatro, sesenta, sesenta y cinco, sesenta y nueve,
        setenta, setenta y dos, setenta y seis, ochenta, ochenta y cinco, noventa, noventa y nueve"""
    ),
    "time": entries(
        """a la una, a las dos, a las tres, a las cuatro, a las cinco, a las seis, a las siete, a las
        ocho, a las nueve, a las diez, a las once, a las doce, a mediodía, a medianoche, a las dos y
        media, a las tres y media, a las cuatro y cuarto, a las cinco y media, a las seis y cuarto, a
        las siete y media, a las ocho y media, a las nueve y cuarto, a las diez y media, a las ocho de
        la tarde, a las siete de la mañana, a las nueve menos cuarto, a las seis menos diez, a las once
        y veinte, a las cuatro y veinte, a las cinco menos cinco, a las doce y diez, a las once de la
        noche, a la una y cuarto, a las tres de la tarde"""
    ),
    "date": entries(
        """el uno de enero, el dos de febrero, el tres de marzo, el cuatro de abril, el cinco de mayo,
        el seis de junio, el siete de julio, el ocho de agosto, el nueve de septiembre, el diez de
        octubre, el once de noviembre, el doce de diciembre, el trece de enero, el catorce de febrero,
        el quince de marzo, el dieciséis de abril, el diecisiete de mayo, el dieciocho de junio, el
        diecinueve de julio, el veinte de agosto, el veintiuno de septiembre, el veintidós de octubre,
        el veintitrés de noviembre, el veinticuatro de diciembre, el veinticinco de abril, el veintiséis
        de enero, el veintisiete de marzo, el veintiocho de mayo, el veintinueve de julio, el treinta de
        septiembre, el treinta y uno de octubre, el primero de junio, el dos de noviembre, el cuatro de
        julio, el seis de marzo, el nueve de agosto, el doce de abril"""
    ),
    "weekday": entries("lunes, martes, miércoles, jueves, viernes, sábado, domingo"),
    "daypart": entries("por la mañana, por la tarde, por la noche, a primera hora"),
    "first": entries(
        """Ana, Carlos, Lucía, Miguel, Carmen, Javier, Elena, Pablo, Marta, Sergio, Laura, Daniel,
        Sofía, Alejandro, Paula, David, Isabel, Jorge, Raquel, Antonio, Cristina, Fernando, Pilar,
        Manuel, Teresa, Andrés, Silvia, Luis, Beatriz, Rafael, Nuria, Diego, Rosa, Álvaro, Clara,
        Ignacio, Julia, Ricardo, Alicia, Óscar, Irene, Víctor, Patricia, Hugo, Mercedes, Ramón, Natalia,
        Alberto, Victoria, Enrique"""
    ),
    "last": entries(
        """García, Fernández, González, Rodríguez, López, Martínez, Sánchez, Pérez, Gómez, Martín,
        Jiménez, Ruiz, Hernández, Díaz, Moreno, Álvarez, Muñoz, Romero, Alonso, Gutiérrez, Navarro,
        Torres, Domínguez, Vázquez, Ramos, Gil, Ramírez, Serrano, Blanco, Molina, Morales, Suárez,
        Ortega, Delgado, Castro, Ortiz, Rubio, Marín, Sanz, Iglesias, Medina, Garrido, Santos, Castillo,
        Cortés, Lozano, Guerrero, Cano, Prieto, Méndez, Calvo, Cruz, Gallego, Vidal, León, Herrera,
        Márquez, Peña, Flores, Campos"""
    ),
    "city": entries(
        """Madrid, Barcelona, Valencia, Sevilla, Zaragoza, Málaga, Murcia, Palma, Bilbao, Alicante,
        Córdoba, Valladolid, Vigo, Gijón, Granada, Elche, Oviedo, Cartagena, Pamplona, Almería, Burgos,
        Santander, Castellón, Albacete, Logroño, Badajoz, Salamanca, Huelva, Lérida, Tarragona, León,
        Cádiz, Jaén, Orense, Gerona, Lugo, Cáceres, Toledo, Guadalajara, Segovia, Cuenca, Ávila, Huesca,
        Soria, Teruel, Zamora, Pontevedra, Marbella, Vitoria, Palencia"""
    ),
    "product_a": entries(
        """un teléfono, una lámpara, una mesa, una silla, un ordenador, una impresora, una pantalla, una
        chaqueta, un abrigo, una camisa, un vestido, un bolso, una mochila, una maleta, un reloj, una
        bicicleta, un sofá, una cama, un armario, un teclado, un libro, un horno, una nevera, una
        lavadora, una alfombra, una cortina, un paraguas, un espejo, una guitarra, una cámara"""
    ),
    "product_the": entries(
        """el teléfono, la lámpara, la mesa, la silla, el ordenador, la impresora, la pantalla, la
        chaqueta, el abrigo, la camisa, el vestido, el bolso, la mochila, la maleta, el reloj, la
        bicicleta, el sofá, la cama, el armario, el teclado, el libro, el horno, la nevera, la lavadora,
        la alfombra, la cortina, el paraguas, el espejo"""
    ),
    "food": entries(
        """el pan, la pasta, el arroz, el pollo, el pescado, la carne, la ensalada, la sopa, el queso,
        el jamón, las patatas, los tomates, las zanahorias, las setas, la fruta, las manzanas, las
        peras, las naranjas, el helado, la tarta, las galletas, la tortilla, las lentejas, las
        espinacas, el atún, el salmón, los huevos, la mantequilla, la miel"""
    ),
    "drink": entries("agua, vino tinto, vino blanco, cerveza, leche, zumo de naranja, té frío, café, limonada, sidra"),
    "colour": entries("rojo, blanco, negro, verde, amarillo, gris, azul, marrón, morado, rosa, naranja, beige"),
    "job_a": entries(
        """médico, abogado, profesora, enfermera, cocinero, periodista, ingeniero, actriz, arquitecto,
        cantante, agricultor, técnico, secretaria, pintor, conductor"""
    ),
    "job_the": entries(
        """el médico, el dentista, el abogado, el director, la secretaria, el técnico, el mecánico, la
        peluquera, el asesor, la enfermera, el veterinario, la profesora"""
    ),
    "street": entries(
        """la calle Mayor, la calle Real, la calle Goya, la avenida de América, la plaza de España, la
        calle del Sol, la calle de la Luna, el paseo de la Castellana, la calle Velázquez, la avenida
        del Puerto, la calle Nueva, la plaza del Mercado, la calle San Juan, la calle Cervantes, la
        calle Colón, la avenida de la Paz, la calle Ancha, el paseo del Prado, la calle del Río, la
        calle Toledo, la plaza Mayor, la calle de las Flores, la ronda Norte"""
    ),
    "price": entries(
        """dos euros, cinco euros, diez euros, doce euros con cincuenta, quince euros, veinte euros,
        veinticinco euros, treinta euros, treinta y cinco euros con noventa, cuarenta euros, cuarenta y
        nueve euros, cincuenta euros, sesenta euros, setenta y cinco euros, ochenta euros, noventa
        euros, cien euros, ciento veinte euros, ciento cincuenta euros, doscientos euros, trescientos
        euros, mil euros, tres euros con veinte, siete euros con ochenta, nueve euros"""
    ),
    "relative": entries(
        """mi madre, mi padre, mi hermana, mi hermano, mi hijo, mi hija, mi abuela, mi abuelo, mi tía,
        mi tío, mi marido, mi mujer, mi amigo, mi amiga, mi jefe, mi vecina"""
    ),
    "body": entries(
        """la cabeza, la espalda, el brazo, la pierna, la rodilla, el estómago, la garganta, el pie, la
        mano, el hombro, una muela, el oído, el cuello, el pecho"""
    ),
    "place": entries(
        """la oficina, la estación, el aeropuerto, el museo, la farmacia, el banco, el hospital, la
        biblioteca, el mercado, el supermercado, la piscina, el teatro, la escuela, el parque, la
        iglesia, el restaurante, la playa"""
    ),
    "room": entries(
        """en la cocina, en el salón, en el dormitorio, en el baño, en el jardín, en el pasillo, en el garaje,
        en el sótano"""
    ),
    "vehicle": entries("el tren, el autobús, el avión, el barco, el metro, el tranvía, el autocar"),
    "adj": entries(
        """muy bonito, demasiado pequeño, demasiado grande, realmente bueno, bastante viejo, siempre
        roto, un poco lento, bastante caro, muy pesado, todavía nuevo, casi vacío, ya lleno, demasiado
        frío, muy raro"""
    ),
    "random": entries(
        """casa, tiempo, día, noche, año, mes, semana, hora, minuto, mundo, vida, muerte, amor, miedo,
        fuerza, mano, ojo, corazón, voz, palabra, lengua, calle, ciudad, país, mar, monte, río, lago,
        bosque, campo, flor, árbol, hoja, hierba, tierra, cielo, sol, luna, estrella, viento, lluvia,
        nieve, hielo, fuego, luz, sombra, color, sonido, música, canción, historia, libro, página,
        carta, pluma, papel, escuela, maestro, niño, muchacha, hombre, mujer, familia, padre, madre,
        hermano, hermana, amigo, enemigo, gente, pueblo, rey, guerra, paz, ley, justicia, trabajo,
        dinero, precio, mercado, tienda, vestido, zapato, sombrero, anillo, llave, puerta, ventana,
        pared, techo, escalera, cama, mesa, silla, plato, vaso, cuchillo, tenedor, cuchara, pan, vino,
        aceite, sal, azúcar, leche, huevo, carne, pescado, fruta, manzana, uva, limón, gato, perro,
        caballo, vaca, pájaro, león, lobo, ratón, mosca, tren, barco, avión, puente, viaje, maleta,
        billete, hotel, playa, isla, montaña, valle, desierto, piedra, hierro, oro, plata, madera,
        vidrio, agua, aire, cabeza, nariz, boca, oreja, brazo, pierna, pie, dedo, piel, sangre, dolor,
        alegría, sueño, pensamiento, idea, pregunta, respuesta, verdad, mentira, error, razón, culpa,
        principio, final, parte, medio, mitad, número, grupo, equipo, juego, fiesta, regalo, premio,
        prueba, examen, lección, ir, venir, hacer, decir, ver, oír, hablar, comer, beber, dormir,
        correr, caminar, leer, escribir, comprar, vender, abrir, cerrar, buscar, encontrar, perder,
        ganar, reír, llorar, cantar, bailar, jugar, trabajar, estudiar, aprender, enseñar, entender,
        saber, creer, pensar, recordar, olvidar, esperar, llegar, salir, quedar, volver, subir, bajar,
        caer, poner, tomar, llevar, mandar, llamar, responder, pedir, ayudar, amar, odiar, querer,
        poder, deber, vivir, morir, nacer, crecer, bonito, feo, bueno, malo, grande, pequeño, alto,
        bajo, largo, corto, ancho, estrecho, nuevo, viejo, joven, caliente, frío, fuerte, débil, rico,
        pobre, feliz, triste, fácil, difícil, rápido, lento, limpio, sucio, lleno, vacío, dulce, amargo,
        duro, blando, claro, oscuro, verdadero, falso, justo, libre, seguro, cansado, enfermo, sano,
        solo, juntos, siempre, nunca, a menudo, pronto, tarde, hoy, mañana, ayer, ahora, después, antes,
        todavía, ya, casi, quizás, cierto, mucho, poco, demasiado, bastante, bien, mal, mejor, peor,
        aquí, allí, dentro, fuera, encima, debajo, delante, detrás, cerca, lejos, con, sin, para, entre,
        contra, hacia, durante, porque, cuando, como, donde, cuanto, también, pero, entonces, mientras,
        aunque, nadie, alguien, todo, nada, cada, algunos, este, aquel, nuestro, vuestro, primero,
        segundo, tercero, último, dicen, vamos, veo, oigo, habla, come, duerme, corren, leemos, escribo,
        compran, abre, cierra, busco, encuentra, gana, ríe, canta, trabajamos, estudia, entiendo,
        creéis, pienso, recuerda, esperan, llega, salen, vuelvo, cae, toma, lleva, llamáis, jamón,
        guitarra, hijo, jueves, zanahoria, cocina, quince, cigüeña, pingüino, llave, lluvia, ella, calle"""
    ),
}
