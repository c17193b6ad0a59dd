"""Words of any conversation in English, in lower case, which tell nothing about what it is about; set by hand."""

from __future__ import annotations

COMMON_WORDS = frozenset(
    """
    a able about above absolutely accept access accident account across act action active actually add address
    advice afraid after afternoon again against age ago agree ahead air airport all almost alone along already
    alright also although always am amazing among amount an and another answer any anybody anymore anyone anything
    anyway anywhere apart apartment apologies apologise apologize apply appointment appreciate april are area aren't
    arm around arrange arrival arrive article as aside ask assist assistant at attention august aunt authority
    autumn available average avoid away awesome baby back bad bag balance bank bathroom be beautiful because bed
    bedroom before begin behind believe below beside best better between beyond big bill birthday bit black block
    blue board body book both bottle bottom box boy break breakfast brief bring brother brown budget build bus
    business busy but button buy by bye cake calendar call calm camera can can't cancel cannot car card care careful
    carry case cash cat catch category cause centre center certain certainly chair chance change charge chat cheap
    check chicken child children choice choose city class clean clear click clinic close clothes coffee cold
    colleague collect college color colour come comment common company complete computer concern condition confirm
    consider contact continue contract control conversation cool copy corner correct cost could couldn't country
    couple course cover create credit cup current currently customer cut dad daily damage dark data date daughter
    day days dead deal dear december decide deep definitely degree deliver delivery department depend desk detail
    details did didn't die difference different difficult dinner direct direction discount discuss do doctor does
    doesn't dog dollar dollars don't done door double doubt down draw dream dress drink drive driver drop dry due
    during duty each ear early earth easier easy eat economy edge effect eight eighteen eighty either eleven else
    email emergency empty end energy engine english enjoy enough enter entire entrance equal error especially euro
    euros even evening event ever every everybody everyone everything exact exactly example excellent except
    exchange excuse expect expensive experience expert explain express extra eye face fact fair fall family famous
    fantastic far fast father favorite favourite february feedback feel fifteen fifty figure file fill final finally
    find fine finish fire first fish five fix flat flight floor fly follow food foot for foreign forget form former
    forty forward four fourteen free french fresh friday friend friends from front fruit full fun function funny
    further future game garden gas general gentleman german get gift girl give glad glass go goal going gold gone
    good goodbye got government grand great green ground group grow guess guest guide guy guys had hadn't hair half
    hall hand hang happen happy hard has hasn't hat hate have haven't he he'll he's head health healthy hear heart
    heat heavy hello help helpful her here here's hers herself hey hi high him himself his hit hold holiday home
    honest hope hospital hot hotel hour hours house how how's however huge human hundred hungry hurry hurt husband i
    i'd i'll i'm i've idea if ill imagine immediate important in inch include indeed information inside instance
    instead insurance interest interesting internet into invoice is isn't issue it it'll it's item its itself
    january job join journey july june just keep key kid kids kill kind kitchen know lady land language large last
    late later laugh law lawyer lead learn least leave left leg less let let's letter level library lie life light
    like line list listen little live local location lock long longer look lose loss lot loud love low luck lunch
    machine mail main make man manager many map march mark market match matter maximum may maybe me meal mean
    measure meat medical medicine meet meeting member memory menu message middle might mile milk million mind mine
    minimum minute minutes miss mistake mobile model modern mom moment monday money month months more morning most
    mother mouth move movie much mum music must my myself name names near nearly necessary neck need neighbor
    neighbour neither never new news next nice night nine nineteen ninety no nobody noise none nonsense nor normal
    north not note nothing notice november now number numbers o'clock october of off offer office often oh ok okay
    old older on once one online only open operator opinion opposite option options or orange order ordinary other
    others our ours ourselves out outside over own package page pain paper parent parents park part particular
    partner party pass passenger passport password past patient pay payment people pepper per percent perfect
    perhaps period person personal phone photo pick picture piece place plan plane plant plate play please pleasure
    plus pocket point police policy poor popular position possible post potato pound pounds power practice prefer
    preferred prepare prescription present press pretty previous price private probably problem problems process
    product profile program project promise proper protect provide public pull purchase purpose push put quality
    quarter question questions quick quiet quite radio rain raise range rate rather reach read ready real really
    reason receipt receive recent recommend record red reduce refer refund regard regards regular relax remain
    remember remind remove rent repair repeat reply report representative request require reservation reserve rest
    restaurant result return review rich ride right ring river road room round rule run sad safe sale salt same
    saturday save say school science screen sea search season seat second seconds secretary section see seem select
    self sell send sense sentence separate september series serious serve service services set seven seventeen
    seventy several shall shape share she she'll she's ship shirt shoe shop short should shouldn't shoulder show
    shower sick side sign signal silver similar simple since sing single sir sister sit six sixteen sixty size skin
    sleep slow small smile smoke so soft soon sorry sort sound soup source south space speak speaker special
    specialist specific speed spell spend spoke sport spring square staff stage stand standard star start state
    station status stay step still stomach stone stop store storm story straight strange stranger street strong
    student study stuff subject such sugar suggest summer sun sunday super supper support suppose sure surgery
    surname surprise sweet swim switch system table take talk tall taste tax taxi tea teacher team technical
    telephone tell temperature ten term terrible test text than thank thanks that that's the their theirs them
    themselves then there there's these they they'll they're they've thick thin thing things think third thirteen
    thirty this those though thousand three through throughout thursday ticket time tired to today together tomorrow
    tonight too top topic total touch tough toward town track trade traffic train travel treat tree trip trouble
    truck true trust try tuesday turn twelve twenty twice two type uh um uncle under understand unfortunate
    university unless until up update upon upstairs us use useful user usual usually vacation value various
    vegetable vehicle verify very via view visit voice wait waiter walk wall want warm was wash wasn't watch water
    way we we'd we'll we're we've wear weather website wednesday week weekend weeks weight welcome well went were
    weren't west what what's whatever wheel when whenever where where's whether which while white who who's whoever
    whole whom whose why wide wife will wind window wine winter wish with within without woman women won't wonder
    wonderful wood word words work world worry worse worst worth would wouldn't write wrong am eur faq gbp id pin pm
    sms tv url usd yeah year years yellow yep yes yesterday yet you you'd you'll you're you've young your yours
    yourself zero zone
    """.split()
)
