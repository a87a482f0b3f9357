/**
 * What the last words of a turn say about its end, language by language.
 *
 * Small on purpose: the words that end a transcript often, not a grammar. Lower case; in scripts
 * without spaces an entry is the end of a text, and the longest that fits counts.
 */

/** The telling words of one language, in lower case. */
export interface EndOfTurnWords {
  /** Sounds that hold the turn: "um". */
  readonly fillers: readonly string[];
  /** Words that always have something after them: "and", "the", "because". */
  readonly open: readonly string[];
  /** Words that mostly have something after them, but may come last: "for", "is", "where". */
  readonly leaning: readonly string[];
  /** Words that end a turn, with or without a full stop: "yes", "thanks". */
  readonly closing: readonly string[];
  /** Words that begin a question: "where". */
  readonly questions: readonly string[];
  /** Single digits as one says them in a telephone number: "seven". */
  readonly digits: readonly string[];
}

const split = (words: string): readonly string[] => words.trim().split(/\s+/u);

const en: EndOfTurnWords = {
  fillers: split("um umm uh uhh uhm er erm hmm"),
  open: split(`
    and but or nor because although unless until while whereas if than as the a an my your our
    their every very i'm you're we're they're i'll you'll we'll they'll i've you've we've they've
    i'd let's there's that's what's who's where's gonna wanna gotta mr mrs ms dr`),
  leaning: split(`
    to of for with at from in on by about into onto between without that which who whose when
    where what why how is are was were am be been have has had do does did can could will would
    shall should must may might not i we they he she so like just also maybe any some his its well`),
  closing: split(`
    yes no yeah yep nope okay ok sure thanks please bye goodbye hello stop correct exactly
    absolutely today tomorrow tonight now here nothing everything`),
  questions: split(
    "who whose what when where why how which is are do does did can could will would",
  ),
  digits: split("zero oh one two three four five six seven eight nine double triple"),
};

const de: EndOfTurnWords = {
  fillers: split("äh ähm öh hm hmm ehm"),
  open: split(`
    und oder aber sondern denn weil dass ob wenn falls obwohl während bevor nachdem damit der den
    dem des ein eine einen einem einer mein meine meinen meinem meiner dein deine ihre ihren
    unser unsere jeder jede jedes sehr vom zum zur beim im herr frau`),
  leaning: split(`
    die das wer was wann wo wie warum welche welcher welches mit von für bei nach zu in auf an aus
    über unter um vor ist sind war waren bin hat habe haben hatte kann können will wollen soll
    muss möchte würde werde wird ich du er sie es wir ihr also so auch noch nicht kein keine am`),
  closing: split(`
    ja nein nee doch okay ok genau danke bitte tschüss hallo stopp stop richtig klar gern gerne
    heute morgen jetzt hier nichts alles`),
  questions: split(
    "wer was wann wo wie warum wieso welche welcher welches ist sind kann können hast",
  ),
  digits: split("null eins zwei zwo drei vier fünf sechs sieben acht neun doppel"),
};

const fr: EndOfTurnWords = {
  fillers: split("euh heu hum ben bah"),
  open: split(`
    et ou mais car donc que parce puisque si quand lorsque comme le la les un une des du au aux
    mon ma mes ton ta tes sa ses notre nos votre vos leur leurs ce cet cette ces je tu il ils
    chaque très j' l' d' qu' n' c' s' m' t' monsieur madame`),
  leaning: split(`
    de à en pour avec sans dans sur sous par chez vers qui quoi où comment pourquoi est sont était
    suis es ai as a ont avait avez peut peux veux vais va dois doit on nous vous elle elles pas
    aussi alors enfin`),
  closing: split(`
    oui non ouais si ok d'accord merci bonjour salut stop exactement voilà maintenant aujourd'hui
    demain ici rien tout`),
  questions: split("qui quoi quand où comment pourquoi combien quel quelle quels quelles est-ce"),
  digits: split("zéro un deux trois quatre cinq six sept huit neuf double"),
};

const es: EndOfTurnWords = {
  fillers: split("eh em este pues mmm"),
  open: split(`
    y e o u pero sino porque aunque si cuando mientras que como el los las un una unos unas mi
    mis tu tus su sus nuestro nuestra cada muy del al señor señora`),
  leaning: split(`
    la lo de a en para por con sin sobre entre desde hasta quién qué cuándo dónde cómo cuál
    es son era está están soy estoy he ha han puedo puede quiero quiere voy va tengo tiene no yo
    ella nosotros también entonces`),
  closing: split(`
    sí no vale ok gracias hola adiós exacto exactamente claro correcto hoy mañana ahora aquí nada
    todo`),
  questions: split("quién qué cuándo dónde cómo cuál cuáles cuánto cuánta por"),
  digits: split("cero uno dos tres cuatro cinco seis siete ocho nueve doble"),
};

const zh: EndOfTurnWords = {
  fillers: split("嗯 呃 额"),
  open: split(`
    和 跟 与 或者 还是 但是 可是 不过 因为 所以 如果 要是 虽然 而且 然后 就是 比如 比如说 把 被 对于
    关于 为了 我的 你的 他的 她的 我想 我要 我觉得 一个 很 非常`),
  leaning: split("的 在 是 给 从 到 哪 几 也 都 就 这个 那个"),
  closing: split(
    "吗 呢 吧 啊 呀 了 好 好的 是的 对 不是 不要 不用 可以 谢谢 谢谢你 再见 你好 什么时候 怎么办",
  ),
  questions: split("什么 怎么 为什么 谁 哪里 哪个 什么时候 多少"),
  digits: split("零 〇 一 二 两 三 四 五 六 七 八 九 幺"),
};

const ja: EndOfTurnWords = {
  fillers: split("えっと えーと ええと あの あのー えー うーん まあ なんか"),
  open: split(`
    て で が は を に と の も へ や けど けれど けれども ですが ますが ですけど ますけど から ので のに
    たら なら ながら または それで そして でも だから しかし 例えば たとえば`),
  leaning: split("って とか たり し"),
  closing: split(`
    です ます ました ません でした か ですか ますか ね よ よね だ ください お願いします おねがいします
    はい いいえ うん ううん いや 大丈夫 ありがとう ありがとうございます こんにちは さようなら もしもし ですけどね からね
    ですから いいから`),
  questions: split("何 なに どこ いつ 誰 だれ なぜ どう いくら"),
  digits: split(
    "ゼロ 零 〇 れい いち に さん よん ご ろく なな はち きゅう 一 二 三 四 五 六 七 八 九",
  ),
};

/** The words of the languages that come with the package, by language code. */
export const END_OF_TURN_WORDS: Readonly<Record<string, EndOfTurnWords>> = {
  en,
  de,
  fr,
  es,
  zh,
  ja,
};
