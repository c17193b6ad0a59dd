"""Spanish sentences by family; ``{kind}`` stands for an entry of `spanish_words`."""

from __future__ import annotations

from demo_model.texts.grammar import lines

PATTERNS = {
    "bookings": lines(
        """
Quisiera reservar una mesa para {num} personas {time}.
¿Puedo cambiar la reserva al {weekday} {time}?
Necesito una habitación para {num} noches.
La reserva está a nombre de {first} {last}.
Tengo que anular la cita del {weekday} {daypart}.
¿Queda sitio el {weekday} {time}?
Seremos {num}, con dos niños.
Mi número de reserva es {digits}.
Quisiera una mesa junto a la ventana, si es posible.
Llegamos {date} y nos vamos {date}.
¿El desayuno está incluido en el precio?
¿Tienen una habitación libre para {date}?
¿Puede confirmar la reserva para el {weekday}?
He reservado una habitación doble en {city}.
Quisiera una cita con {job_the} para el {weekday}.
"""
    ),
    "orders": lines(
        """
Quisiera pedir {product_a} de color {colour}.
¿Cuánto cuesta {product_the}?
Compré {product_a} el {weekday}, pero es {adj}.
El total es de {price}.
Tráigame {food} y un vaso de {drink}, por favor.
Para mí {food} con {food}.
Mi pedido tiene el número {digits}.
¿Cuándo llega {product_the}?
Quiero devolver {product_the} que compré en {city}.
¿Puedo pagar con tarjeta?
Envíenlo todo a {street}, número {num}.
¿Tienen {product_a} más barato?
Añade {food} a la lista de la compra.
Busco {product_a} para {relative}.
Una botella de {drink}, gracias.
Cuesta {price}, ¿verdad?
"""
    ),
    "identity": lines(
        """
Me llamo {first} {last}.
Mi número de teléfono es {digits}.
Vivo en {street}, número {num}, en {city}.
Nací {date} en {city}.
Mi apellido es {last}.
¿Hablo con la señora {last}?
Soy {first}, amigo de {relative}.
El código de cliente es {digits}.
Tengo {num} años y vivo en {city}.
Mi dirección ha cambiado {date}.
Trabajo de {job_a} en {city}.
¿Puede repetir su nombre, por favor?
Mi correo sigue siendo el mismo.
El nombre es {first}, el apellido {last}.
"""
    ),
    "support": lines(
        """
No consigo encender {product_the}.
{product_the} ya no funciona.
He olvidado mi contraseña.
La línea se cortó hace {num} minutos.
¿Puede mandar un técnico el {weekday} {daypart}?
Mi cuenta está bloqueada desde el {weekday}.
Quisiera hablar con {job_the}, por favor.
La factura de {price} no es correcta.
El número de serie es {digits}.
Internet está {adj} desde hace {num} días.
¿Cómo puedo cambiar mi contrato?
Ya lo he probado, pero no sirve de nada.
Me han enviado {product_a} equivocado.
Espero una respuesta desde hace {num} días.
Quisiera un reembolso de {price}.
"""
    ),
    "smalltalk": lines(
        """
Buenos días, ¿cómo está?
Sí, gracias.
No, gracias, está bien así.
Vale, de acuerdo.
Un momento, por favor.
Hoy hace mucho frío en {city}.
Mañana vamos a visitar a {relative}.
¡Qué día más bonito!
No lo sé, tengo que pensarlo.
Nos vemos el {weekday} {time}.
He visto a {relative} en {city}.
Me gusta mucho {food}.
Muchas gracias, hasta luego.
{first} y {first} están de vacaciones en {city}.
¿Qué hacéis el {weekday} {daypart}?
¡Claro, con mucho gusto!
Perfecto, hasta el {weekday} entonces.
"""
    ),
    "commands": lines(
        """
Enciende la luz {room}.
Apaga la música {room}.
Pon el despertador {time}.
Llama a {first} {last}.
Recuérdame llamar a {relative} {time}.
Baja el volumen, por favor.
Manda un mensaje a {first}.
¿Qué tiempo hace en {city}?
Abre la ventana {room}.
Pon la temperatura a {num} grados.
Lee las últimas noticias.
Cierra la puerta {room}.
Cuenta hasta {num}.
¿Dónde está {place} más cerca?
Busca {place} en {street}.
"""
    ),
    "travel": lines(
        """
¿A qué hora sale {vehicle} para {city}?
Un billete para {city}, solo ida.
Quisiera ir a {city} el {weekday} {daypart}.
{vehicle} lleva {num} minutos de retraso.
¿Cuánto dura el viaje de {city} a {city}?
¿Dónde puedo comprar los billetes?
He perdido la maleta en {city}.
El vuelo a {city} sale {time}.
¿Cómo llego desde aquí a {street}?
Cogemos {vehicle} {time}.
¿Hay un tren directo a {city}?
El andén es el número {num}.
Volvemos a {city} {date}.
Quisiera un asiento junto a la ventanilla.
La parada está delante de la iglesia.
"""
    ),
    "health": lines(
        """
Me duele {body}.
Tengo fiebre desde hace {num} días.
Tengo que tomar la medicina {time}.
Quisiera una cita con {job_the}.
A {relative} le duele {body}.
He dormido solo {num} horas.
Tome dos pastillas al día.
¿Desde cuándo le duele {body}?
Soy alérgica a la leche y a los huevos.
{job_the} llega {time}.
Necesito una receta.
Me siento mucho mejor, gracias.
El examen es el {weekday} {time}.
Me di un golpe en {body} el {weekday}.
"""
    ),
}
