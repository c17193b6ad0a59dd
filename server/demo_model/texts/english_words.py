"""The vocabulary of the demo model: what callers of a voice agent talk about, by kind."""

from __future__ import annotations

from types import MappingProxyType


def _split(text: str, separator: str | None = None) -> tuple[str, ...]:
    parts = (" ".join(part.split()) for part in text.split(separator))
    return tuple(dict.fromkeys(part for part in parts if part))


FIRST_NAMES = _split(
    """Adam Alice Amanda Andrew Angela Anna Anthony Barbara Benjamin Betty Brian Carol Catherine Charles
    Christine Daniel David Deborah Dennis Diana Donald Dorothy Edward Elena Elizabeth Emily Emma Eric Ethan
    Frank George Grace Hannah Helen Henry Isabel Jack Jacob James Jane Jason Jennifer Jessica John Jonathan
    Joseph Julia Karen Kevin Laura Leo Linda Lisa Lucas Lucy Margaret Maria Mark Martin Mary Matthew Michael
    Michelle Nancy Nathan Nicholas Nina Nora Oliver Olivia Oscar Pamela Patricia Paul Peter Philip Rachel
    Rebecca Richard Robert Rose Ruth Ryan Samuel Sandra Sarah Simon Sophie Stephen Susan Theresa Thomas Tina
    Victor Victoria Vincent Walter William"""
)
LAST_NAMES = _split(
    """Anderson Baker Barnes Bennett Brooks Brown Butler Campbell Carter Clark Collins Cooper Davis Edwards
    Evans Fisher Foster Garcia Gibson Graham Grant Green Hamilton Harris Henderson Hill Howard Hughes Jackson
    Jenkins Johnson Jones Kelly Kennedy King Lewis Marshall Martinez Mason Miller Mitchell Moore Morgan Murphy
    Nelson Parker Patterson Perry Peterson Phillips Porter Powell Reynolds Roberts Robinson Rogers Russell
    Sanders Shaw Simpson Smith Stewart Sullivan Taylor Thompson Turner Walker Wallace Washington Watson Webb
    West White Williams Wilson Wood Wright Young"""
)
CITIES = _split(
    """Amsterdam, Athens, Atlanta, Austin, Barcelona, Berlin, Boston, Brussels, Cairo, Chicago, Copenhagen,
    Dallas, Denver, Detroit, Dublin, Edinburgh, Florence, Geneva, Glasgow, Hamburg, Helsinki, Houston, Lisbon,
    Liverpool, London, Madrid, Manchester, Melbourne, Miami, Milan, Montreal, Moscow, Munich, New York, Oslo,
    Paris, Phoenix, Portland, Prague, Rome, San Francisco, Seattle, Singapore, Stockholm, Sydney, Tokyo,
    Toronto, Vancouver, Vienna, Warsaw, Zurich""",
    ",",
)
COUNTRIES = _split(
    """America, Australia, Austria, Belgium, Brazil, Canada, China, Denmark, Egypt, England, Finland, France,
    Germany, Greece, India, Ireland, Italy, Japan, Mexico, Norway, Poland, Portugal, Scotland, Spain, Sweden,
    Turkey""",
    ",",
)
STREETS = _split(
    """Maple Oak Cedar Pine Elm Walnut Chestnut Willow Garden Park Lake River Church School Station Market
    Bridge Castle Forest Orchard Meadow Spring Summer Winter Sunset Highland Liberty Franklin Lincoln Madison
    Jefferson Victoria"""
)
STREET_KINDS = _split("Street Avenue Road Lane Drive Square")
DAYS = _split("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = _split("January February March April May June July August September October November December")
ONES = _split("one two three four five six seven eight nine")
TEENS = _split("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
TENS = _split("twenty thirty forty fifty sixty seventy eighty ninety")
ORDINALS = _split(
    """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"""
)
FOODS = _split(
    """apple pie, bacon, baked potato, banana, bean soup, beef stew, bread, burger, butter, cabbage, cake,
    carrot soup, cheese sandwich, chicken salad, chicken soup, chocolate cake, cookies, corn, crackers, cucumber
    salad, curry, eggs, fish and chips, french fries, fried rice, fruit salad, garlic bread, grapes, green
    salad, ham sandwich, honey, ice cream, lamb, lasagna, lemon cake, lobster, mashed potatoes, meatballs,
    muffin, mushroom soup, mustard, noodles, olives, omelette, onion rings, orange, pancakes, pasta, peanut
    butter, pears, pepper steak, pizza, pork chops, pudding, pumpkin pie, roast beef, salmon, sausages,
    scrambled eggs, shrimp, spaghetti, spinach, steak, strawberries, sweet potato, toast, tomato soup, tuna
    sandwich, turkey sandwich, vegetable curry, waffles, yogurt""",
    ",",
)
DRINKS = _split(
    """apple juice, beer, black coffee, black tea, coffee, cold milk, green tea, hot chocolate, iced tea,
    lemonade, mineral water, orange juice, red wine, sparkling water, still water, tea, tomato juice, white
    wine, whiskey""",
    ",",
)
PRODUCTS = _split(
    """alarm clock, backpack, battery, bicycle, blanket, bookshelf, boots, bracelet, camera, candle, carpet,
    chair, charger, coat, computer, curtains, cushion, desk, dishwasher, dress, drill, earrings, fan, freezer,
    gloves, guitar, hammer, handbag, hat, headphones, heater, helmet, jacket, jeans, kettle, keyboard, ladder,
    lamp, laptop, mattress, microphone, microwave, mirror, monitor, necklace, notebook, oven, pajamas, pencil,
    phone, piano, pillow, printer, radio, raincoat, refrigerator, ring, router, sandals, scarf, screen, shirt,
    shoes, shower curtain, skirt, sneakers, socks, sofa, speaker, suitcase, sweater, table lamp, tablet,
    telephone, television, tent, toaster, towel, trousers, umbrella, vacuum cleaner, vase, wallet, washing
    machine, watch""",
    ",",
)
COLOURS = _split("black blue brown gold gray green orange pink purple red silver white yellow")
SIZES = _split("small medium large tiny huge extra")
ROOMS = _split(
    """attic, balcony, basement, bathroom, bedroom, corridor, dining room, garage, garden, hallway, kitchen,
    library, living room, lobby, office, porch, studio, terrace""",
    ",",
)
PLACES = _split(
    """airport, bakery, bank, barber shop, beach, bookstore, bus station, cafe, castle, cathedral, church,
    cinema, city hall, clinic, concert hall, dentist, embassy, factory, farm, fire station, gallery, gas
    station, grocery store, gym, harbor, hospital, hotel, laundry, library, market, museum, opera, park,
    pharmacy, playground, police station, post office, restaurant, school, shopping center, stadium,
    supermarket, swimming pool, temple, theater, tower, train station, university, village, warehouse, zoo""",
    ",",
)
VEHICLES = _split("airplane bicycle boat bus car ferry helicopter motorcycle ship subway taxi tractor train truck van")
ANIMALS = _split(
    """bear bee bird butterfly camel cat chicken cow deer dog dolphin donkey duck eagle elephant fish fox frog
    giraffe goat goose hamster horse kitten lion monkey mouse owl parrot penguin pigeon puppy rabbit sheep snake
    spider squirrel tiger turtle whale wolf"""
)
BODY = _split(
    """ankle arm back chest ear elbow eye finger foot hand head heart hip knee leg lung neck nose shoulder skin stomach
    throat toe tooth wrist"""
)
ILLNESSES = _split(
    """allergy, cold, cough, fever, headache, infection, rash, sore throat, stomach ache, toothache, broken
    bone, burn""",
    ",",
)
JOBS = _split(
    """accountant actor artist assistant baker butcher captain carpenter chef cleaner coach dentist designer
    director doctor driver editor electrician engineer farmer gardener guide judge lawyer librarian manager
    mechanic nurse painter photographer pilot plumber poet professor sailor salesman scientist secretary singer
    soldier student surgeon tailor teacher technician waiter waitress writer"""
)
RELATIVES = _split(
    """aunt, brother, cousin, daughter, father, friend, grandfather, grandmother, husband, mother, neighbor,
    nephew, niece, partner, sister, son, uncle, wife, colleague, boss, roommate""",
    ",",
)
WEATHER = _split("cloudy cold cool dry foggy freezing hot icy rainy snowy stormy sunny warm wet windy")
ADJECTIVES = _split(
    """amazing angry awful bad beautiful best better big boring brave bright broken busy calm careful cheap
    clean clear clever comfortable common complete correct crazy cute dangerous dark dead deep delicious
    different difficult dirty double early easy electric empty excellent exciting expensive extra fair false
    familiar famous fantastic fast final fine flat foreign free fresh friendly front full funny general gentle
    glad golden good great happy hard healthy heavy helpful high honest huge hungry important impossible
    interesting kind late lazy left light little local lonely long loose loud lovely low lucky main modern
    narrow nervous new nice noisy normal old open ordinary perfect plain pleasant polite poor popular possible
    powerful pretty private proud public quick quiet rare ready real regular rich right rough round sad safe
    second secret serious shallow sharp short shy sick silent silly similar simple single slow smart smooth soft
    special square steady strange strong stupid sudden sweet tall thick thin tired total tough true ugly unusual
    useful usual valuable weak wide wild wonderful wooden wrong young"""
)
NOUNS = _split(
    """accident account action address advice afternoon agreement air amount answer apartment appointment area
    army article attention autumn award baby bag ball band basket bath beginning bell bill birthday block board
    body bottle bottom box boy brain branch breakfast breath brick brush bucket budget building bush business
    button calendar call candy cap card care case cash cause ceiling center century chain chance change channel
    chapter child choice circle class cloth cloud club code coin college color comment company concert condition
    contact contract conversation copy corner cost cotton country couple course cover cream credit crowd culture
    cup customer damage dance danger data date day deal death decision degree delivery department desert detail
    difference dinner direction discount discovery dish distance document dollar door doubt dream drop dust duty
    earth edge education effect effort energy engine entrance envelope error evening event example excuse
    exercise experience explanation face fact fall family fashion favor feather fee feeling fence field fight
    figure film fire flag flavor flight flood floor flower folder food forest fork form friendship future game
    gate gift girl glass goal grass group growth guess guest habit hair half hall hammer handle harvest health
    heat height help hill history hobby hole holiday home hope hour house idea image inch industry information
    insurance internet invitation iron island issue item job joke journey joy juice key king kiss knife
    knowledge lady lake land language law leader leaf leather lesson letter level library license lid life lift
    limit line lip list load loan lock luck lunch machine magazine mail map mark marriage master match meal
    meaning meat medicine meeting member memory menu message metal method middle midnight mile milk mind minute
    mistake mixture moment money monkey month mood moon morning motor mountain mouth movie music nail name
    nation nature needle network news newspaper night noise noon north note nothing number object ocean offer
    oil opinion option order owner page pain paint pair palace paper parcel parent part party passenger passport
    password past path patient payment pen people person picture piece pin pipe plan plant plastic plate
    pleasure pocket point pool position power practice present president price prize problem process program
    project promise proof purpose quality quarter queen question rain reason receipt recipe record report
    request rescue reservation rest result reward rice road rock roof room root rope rule safety salary salt
    sand scale schedule science sea season seat secret section seed sense service shadow shape shelf shop
    shoulder show side sign signal silk size sky sleep smell smile smoke snow soap solution song sound soup
    south space speech speed spoon spot spring stage stairs stamp star start state station steam steel step
    stick stone store storm story stranger stream street strength string style subject success sugar suggestion
    suit summer sun support surface surprise swim switch symbol system tail task taste tax team test thanks
    theory thing thought thread thunder ticket tie time tip title tongue tool top touch tour town toy trade
    trail training trash travel tree trick trip trouble truth tube tune turn twist uniform unit update user
    vacation value vegetable victory video view visit visitor voice vote wage wall war waste water wave way
    wealth web weather wedding week weekend weight welcome wheel wind window wine wing winner winter wire wish
    woman wonder word work worker world year yesterday zero"""
)
VERBS = _split(
    """accept add admire agree allow appear argue arrive ask attack avoid bake become beg begin believe belong
    borrow bounce break breathe bring build burn buy call cancel carry catch celebrate check choose claim clap
    climb close collect compare complain confirm connect consider continue cook count cross cry cut decide
    deliver deny depend describe destroy discover discuss divide download draw drink drive eat enjoy enter
    escape examine expect explain fail feed feel fetch fill find finish fix float fly fold follow forget forgive
    freeze gather give go grab grow hang happen hate hear hide hit hold hurry hurt imagine improve include
    invite join jump keep kick kill knock know laugh lay lead learn leave lend listen live look lose love make
    manage measure meet mention miss mix move need notice obey obtain offer open organize pack park pass pay
    pick play plead point pour practice pray prefer prepare pretend prevent print produce protect prove provide
    publish pull push put raise reach read realize receive recommend reduce refuse relax remember remind remove
    rent repair repeat replace reply rescue return ride ring rise run save say scratch scream search see seem
    sell send serve set shake share shine shout sing sit ski smile sneeze solve speak spell spend spill stand
    start stay steal stop study succeed suggest supply suppose surround swallow sweep swim take talk teach tear
    tell thank think throw tie touch translate travel treat trust try turn type understand use visit wait wake
    walk want warn wash watch wear whisper win wish wonder worry wrap write yell"""
)
PAST_VERBS = _split(
    """arrived asked ate became began believed bought broke brought built called came carried caught changed
    chose closed cooked danced decided drank drew drove fell felt finished flew followed forgot found gave grew
    heard helped invited jumped kept knew laughed learned left liked listened lived looked lost loved made met
    missed moved needed opened ordered packed paid painted parked played promised pulled pushed ran reached read
    received returned said sang sat saved saw sent showed slept smiled sold spent started stayed stopped studied
    swam talked taught thought took traveled tried turned used visited waited walked wanted washed watched went
    won worked wrote"""
)
ADVERBS = _split(
    """again, almost, already, always, away, carefully, certainly, clearly, completely, daily, easily,
    especially, eventually, exactly, finally, forever, honestly, immediately, indeed, just, later, maybe,
    mostly, nearly, never, now, often, once, only, perhaps, possibly, probably, quickly, quietly, quite, rather,
    really, seldom, slowly, sometimes, soon, still, suddenly, surely, together, too, twice, usually, very, well,
    yet""",
    ",",
)
FUNCTION_WORDS = _split(
    """about above across after against along among and anybody anything around at because before behind below
    beneath beside between beyond both but by could despite down during each either else enough every everybody
    everyone everything everywhere except few for from he her him his how however if in inside instead into it
    like many me more most much my near neither nobody none nor of off on onto or other our out outside over
    plus she should since so some somebody something somewhere such than that the their them then there these
    they this those though through throughout to toward under unless until up upon us we what whatever when
    whenever where whether which while who whom whose why will with within without would you your"""
)
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
COMPANIES = _split(
    """Blue River, Northern Light, Golden Gate, Silver Star, Green Valley, Red Apple, Sunrise, Atlantic,
    Pacific, Global, United, Central, Royal, Modern, Evergreen, Diamond, Phoenix, Summit, Horizon, Liberty""",
    ",",
)
COMPANY_KINDS = _split("Bank, Insurance, Airlines, Hotel, Motors, Travel, Foods, Software, Energy, Records", ",")
LANGUAGES = _split(
    "Arabic Chinese Danish Dutch English French German Greek Italian Japanese Polish Russian Spanish Turkish"
)
SPORTS = _split(
    """baseball basketball boxing cricket cycling fishing football golf hockey rugby running skating skiing soccer
    tennis volleyball"""
)
SUBJECTS = _split(
    "art biology chemistry economics geography geometry history literature mathematics medicine physics poetry"
)

# Kinds that random word sequences draw from, with weights: every word of the vocabulary must be heard.
RANDOM_KINDS = MappingProxyType(
    {
        "nouns": (NOUNS, 30), "verbs": (VERBS, 14), "past": (PAST_VERBS, 7), "adjectives": (ADJECTIVES, 12),
        "adverbs": (ADVERBS, 4), "function": (FUNCTION_WORDS, 10), "foods": (FOODS, 4), "products": (PRODUCTS, 5),
        "places": (PLACES, 3), "animals": (ANIMALS, 3), "jobs": (JOBS, 3), "body": (BODY, 2), "cities": (CITIES, 3),
        "countries": (COUNTRIES, 2), "first": (FIRST_NAMES, 5), "last": (LAST_NAMES, 4), "colours": (COLOURS, 1),
        "weather": (WEATHER, 1), "ordinals": (ORDINALS, 2), "relatives": (RELATIVES, 1), "languages": (LANGUAGES, 1),
        "sports": (SPORTS, 1), "subjects": (SUBJECTS, 1), "vehicles": (VEHICLES, 1), "streets": (STREETS, 1),
    }
)  # fmt: skip

PLURALS = _split(
    """apples birds boats books bottles boxes boys brothers buttons cars cats chairs children coins cows cups
    dogs doors ducks eggs flowers friends girls horses houses islands keys letters lights lions machines minutes
    monkeys mountains names oranges pages papers parents pencils people pictures planes plates rabbits roads
    rooms schools ships shops sisters stars stories streets students teachers tickets tigers towns toys trees
    trucks walls windows women"""
)
# Words that sound like another word of the vocabulary: grammar tells them apart in a template, nothing does in a random
# sequence, so they are kept out of those.
HOMOPHONES = frozenset(
    """air ate be bee bored blew buy by cent cents cereal dear deer eight eye fair flower flour for four fore
    hair hare hear heard here hole hour in inn its it's knew know knows knot made maid mail male meat meet mist
    missed new no none nun not nor oar one won or ore our pair pear pears pain passed past peace piece plain
    plane principal rain read red right ring road rode role roll root route sale sail scene sea see seen sell
    cell sent sew so some son sum sun steal steel stair stairs tail tale their there they're threw through throw
    throne to too two toe tow waist waste wait weight war wore ware wear where weak week weather whether which
    whole whose who's wood would write wring you your you're yours board break brake sight site side lead led
    bear bare berry bury horse hoarse heel heal idle idol key quay lie lye mind mine morning mourning pause paws
    poor pour pore peer pier profit prophet rose rows sauce source stake steak steaks tide tied vain vein way
    weigh warn worn aunt ant ants course coarse cue queue die dye fined find great grate guest guessed guide
    loan lone paw patience patients patient presence presents present billed build board bored boulder bolder
    bolt allowed aloud ad add aisle isle heir tea tee I eyes cash cache chance chants mail mussel muscle missed
    packed pact raise rays rap wrap rest wrest sole soul sore soar tax tacks used wine whine won't want feat
    feet fir fur flea flee flu flew fly-by grown groan hall haul herd him hymn higher hire hi high lesson lessen
    lightning medal meddle metal mettle miner minor naval navel nose knows overdo pole poll pray prey prince
    prints quarts rain reign rein ruff rough seam seem serial shoe shoo size sighs straight strait suite sweet
    tighten toad told tolled turn tern wail whale wander wonder wet whet ball bawl band banned base bass bean
    been beat beet bell belle bite byte blue but butt Mark Rose West Grace Frank Jack Martin Victor China Turkey
    Greece Rome Phoenix May March August Wood Young King Hill Green Brown White Baker Cooper Parker Walker
    Porter Mason Miller Fisher Foster Carter Turner Taylor Grant Shaw Brooks Barnes Moore Webb Smith Karen
    Catherine Ann Anna Anne Leo Nina Nora Philip Phillips Allen Alan Steven Stephen Brian Ryan Eric Isabel"""
    .split()
)  # fmt: skip
