"""Sentence patterns. ``{kind}`` is filled by `texts.sentences`; the first letter is capitalised afterwards."""

from __future__ import annotations

BOOKINGS = """
I'd like to book a table for {num} on {day} at {time}.
Can I reserve a table for {num} at {time}, please?
Do you have a room for {num} nights from {date}?
I need a single room in {city} for {num} nights.
Please book me a flight from {city} to {city} on {date}.
I want to fly to {city} on {day} {daypart}.
Is there a train to {city} at {time}?
What time does the last bus to {city} leave?
Could you change my reservation to {day} at {time}?
I need to cancel my appointment with {title} {last} on {date}.
My booking number is {digits}.
We would like a table near the window, if possible.
There will be {num} of us, including {num} children.
Can you move my meeting with {first} to {day} {daypart}?
I'd like to make an appointment with the {job} for {day} {daypart}.
Two tickets to {city}, one way, please.
How much is a return ticket to {city}?
Is breakfast included in the price?
We're arriving on {date} and leaving on {date}.
I booked a {adj} room under the name {last}.
Do you have anything available next {day}?
A table for {num}, please, somewhere quiet.
My flight to {city} was delayed by {count} minutes.
Could I get a seat by the window?
Let me check in for the {time} flight to {city}.
"""

ORDERS = """
I would like to order {qty} {food} and a {drink}, please.
Can I have the {food} with {food}, and a glass of {drink}?
I'll take the {food}, no onions, please.
Do you have any {drink} today?
Could we get {num} more {drink}, please?
I ordered a {colour} {product} {num} days ago, and it still hasn't arrived.
My order number is {digits}, and I'm calling about the {product}.
I want to return the {product} I bought on {day}.
The {product} is {adj}, so I'd like my money back.
How much is the {colour} {product}?
Does this {product} come in {colour}?
Please add {qty} {food} to my shopping list.
The total is {price}.
That will be {price}, please.
Can I pay by card, or do you only take cash?
Would you like {food} or {food} with that?
Please send the {product} to {address}.
I'd like a {size} {drink} and a {food} to go.
The {food} was {adj}, but the {drink} was {adj}.
When will my {product} be delivered?
Please deliver it to {address} before {time}.
I need {qty} {product} in {colour} and {qty} in {colour}.
Do you sell {product} for children?
Is there a discount if I buy {num}?
"""

IDENTITY = """
My name is {first} {last}.
This is {first} {last} from {company}.
Hello, this is {first} speaking.
It's spelled {spelled}.
My last name is {last}, that's {spelled}.
My phone number is {digits}.
You can reach me at {digits}.
The code is {spelled} {digits}.
I live at {address} in {city}.
My address is {address}, {city}.
I was born on {date}, {year}.
My account number is {digits}.
Please call {title} {last} at {digits}.
I'm calling on behalf of my {relative}, {first} {last}.
May I speak to {title} {last}, please?
The password is {noun} {noun} {num}.
My birthday is on {date}.
The zip code is {digits}.
My {relative} {first} is a {job} in {city}.
The reference is {spelled}.
I work for {company} as a {job}.
Is that {last} with {letter} or with {letter}?
"""

SUPPORT = """
My {product} isn't working, and I don't know why.
I can't log in to my account.
I forgot my password, could you reset it?
The {product} stopped working after {count} minutes.
There is a problem with the {product} in the {room}.
I've tried turning it off and on again, but nothing happens.
I'd like to talk to the manager, please.
Can you explain the last item on my bill?
I was charged {price} twice.
Please transfer {money} to my {relative}.
What is the balance of my account?
I lost my credit card {daypart_past}.
Could you send me a copy of the contract?
How do I update my address?
The light on the {product} is {colour}.
I have a question about my insurance.
I would like to cancel my order, please.
The package was damaged when it arrived.
Your service has been {adj} so far.
I've been waiting for {count} minutes.
Could you repeat the last part, please?
I didn't get the email you sent on {day}.
The {noun} and the {noun} are missing.
Someone should look at the {noun} as soon as possible.
"""

COMMANDS = """
Turn on the {product} in the {room}.
Turn off the lights in the {room}, please.
Set an alarm for {time}.
Set a timer for {count} minutes.
Remind me to {verb} the {noun} at {time}.
Play some {adj} music in the {room}.
Call my {relative}.
Call {first} {last} on the {adj} line.
Send a message to {first}.
Add {food}, {food}, and {food} to the list.
Stop.
Go back.
Next, please.
Open the {noun} and close the {noun}.
Put the {product} on the {product}.
Make it a little {adj}, please.
Show me the way to the {place}.
Read the {ordinal} message again.
Write this down, please.
Turn the volume up to {count} percent.
Turn left at the {place}, then take the {ordinal} street on the right.
Lock the {noun} and turn down the heat.
Wake me up at {time} on {day}.
Look up the number of {company}.
Please {verb} the {adj} {noun} {adverb}.
Find a {place} near {street}.
Take the {vehicle} to {street} and {verb} there.
"""

QUESTIONS = """
What's the weather like in {city}?
Will it be {weather} on {day}?
Where is the nearest {place}?
How far is it from the {place} to the {place}?
Who is the {job} of the {noun}?
What do you think about {subject}?
Do you speak {language}?
Can you {verb} the {noun} for me?
How many {plural} are in the {place}?
What is {num} plus {num}?
What is {count} times {num}?
Why did {first} {verb} the {noun}?
When does the {place} open on {day}?
How do you say {noun} in {language}?
Have you ever been to {country}?
Which {noun} is {adj}, the {colour} one or the {colour} one?
Did {first} bring the {noun}?
Could you tell me more about the {noun}?
Is the {noun} in the {room} or in the {room}?
What time is it?
What day is it today?
Would you rather {verb} or {verb}?
Who {past} the {adj} {noun}?
Whose {product} is this?
Are you free on {day} {daypart}?
Should I {verb} it now or later?
How old is your {relative}?
Where did you put my {product}?
"""

SMALL_TALK = """
Hello, how are you today?
Good morning.
Good afternoon, how can I help you?
I'm fine, thanks, and you?
It's {weather} here in {city} today.
I went to {country} with my {relative} last {month}.
My {relative} has a {adj} {animal}.
I like {sport}, but I prefer {sport}.
We watched a {adj} movie about a {animal} and a {job}.
Have a nice day.
Have a great weekend, {first}.
See you on {day}.
See you later.
Thank you very much.
Thanks a lot for your help.
You're welcome.
Nice to meet you, {first}.
Sorry, I didn't catch that.
Just a moment, please.
Let me think about it.
Let me think.
Hold on a second.
That sounds {adj}.
I don't think so.
Yes, that's right.
No, that's wrong.
No, not {day}, {day}.
Yes, please.
No, thank you.
Sure, no problem.
Of course.
Okay, that works for me.
Right.
Maybe.
Yes.
No.
Okay.
I see.
Exactly.
Great, thank you.
I'm not sure yet.
Well, it depends on the {noun}.
Actually, make that {num}.
Wait, I meant {time}, not {time}.
I'm learning {language} and {subject} at the university.
When I was {num}, I wanted to be a {job}.
My {relative} {past} a {colour} {animal} in the {place}.
The {food} at the {place} was {adj}.
Goodbye.
Goodbye, {first}.
"""

HEALTH = """
I have a {illness}, and my {body} hurts.
My {body} has been hurting for {num} days.
My {relative} has a {illness} since {day}.
I need to see a {job} about my {body}.
Take {num} of these every {num} hours.
Is the pain in the left {body} or in the right {body}?
Do I need to take the medicine before or after dinner?
I broke my {body} when I {past} from the {noun}.
How long have you had the {illness}?
She fell and hurt her {body} and her {body}.
"""

STORIES = """
The {adj} {noun} {past} near the {adj} {noun}.
The {job} {past} {adverb} because the {noun} was {adj}.
{first} {past} the {noun} to {first} before {date}.
{first} and {first} {past} the {noun} {adverb}.
My {relative} {past} in {city}, and then we {past} to {country}.
Every {noun} needs a {noun}, and every {noun} needs a {adj} {noun}.
They {past} through the {adj} {place} without a {noun}.
He {past} the {animal}, but she {past} the {adj} {animal}.
If you {verb} the {noun}, I will {verb} the {noun}.
You should {adverb} {verb} a {adj} {noun} {prep} the {noun}.
We {past} {count} {plural} and {count} {plural} in {year}.
The price of the {noun} went up by {count} percent in {month}.
Nobody {past} the {noun} {prep} the {place}.
{title} {last} {past} a {adj} {noun} for {company}.
The {ordinal} {noun} is {adj}, and the {ordinal} one is {adj}.
I {verb} and {verb} {prep} the {noun} {adverb}.
The {animal} and the {animal} {past} {prep} the {noun}.
She is {adverb} {adj}, but her {noun} is {adj}.
The {vehicle} to {country} {past} at {time}.
A {adj} {job} {past} {prep} {street} {daypart_past}.
It was a {weather} {noun}, and the {noun} {past} {adverb}.
Both {noun} and {noun} come from {country}.
"""

GROUPS: tuple[tuple[str, float, str], ...] = (
    ("bookings", 1.0, BOOKINGS),
    ("orders", 1.0, ORDERS),
    ("identity", 1.1, IDENTITY),
    ("support", 0.9, SUPPORT),
    ("commands", 1.0, COMMANDS),
    ("questions", 1.1, QUESTIONS),
    ("small_talk", 0.8, SMALL_TALK),
    ("health", 0.4, HEALTH),
    ("stories", 1.3, STORIES),
)
PREPOSITIONS = (
    "above across against along around behind below beside between inside into near outside over through toward "
    "under without"
).split()
TITLES = ("Doctor", "Mister", "Miss", "Professor", "Captain")
DAY_PARTS = ("morning", "afternoon", "evening", "night")
PAST_PARTS = ("this morning", "yesterday", "last night", "last week", "an hour ago", "two days ago", "last month")
