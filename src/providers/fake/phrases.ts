/**
 * How the fake provider answers:
 * - `helpful` (default): a plain tip about the topic.
 * - `witty`: a dry joke about it.
 * - `poetic`: two or three lines of verse.
 * - `terse`: a handful of words.
 * - `echo`: the last user message itself, for tests that look for their own text.
 */
export const RESPONSE_STYLES = ["helpful", "witty", "poetic", "terse", "echo"] as const;
export type ResponseStyle = (typeof RESPONSE_STYLES)[number];

type Phrases = readonly [string, ...string[]];

/** One phrase of each list, in this order. `{topic}` stands only in the first, so that the length stays bounded. */
export type Template = readonly [Phrases, Phrases, Phrases];

export const TEMPLATES: Readonly<Record<Exclude<ResponseStyle, "echo">, Template>> = {
  helpful: [
    [
      "Thinking about {topic}?",
      "A small note on {topic}:",
      "If you are new to {topic}, begin here.",
      "What I wish I had known about {topic} earlier:",
      "Three minutes on {topic} are well spent.",
      "Somebody asked about {topic} today.",
    ],
    [
      " Start with one question and write the answer down.",
      " Pick the smallest step that you can finish today.",
      " Look at what people did before you, then change one thing.",
      " Talk to somebody who has done it twice.",
      " Measure first and form an opinion afterwards.",
      " Most of the work is asking what it is for.",
    ],
    [
      " The rest gets easier.",
      " You will be surprised how far that goes.",
      " Then tell us what you found.",
      " It is never as hard as it looks from outside.",
    ],
  ],
  witty: [
    [
      "{topic}: because sleep was getting boring.",
      "My position on {topic} is well known, mostly to my houseplants.",
      "I have read everything about {topic}. The titles, anyway.",
      "Nobody: … Absolutely nobody: … Me: let us talk about {topic}.",
      "I came for the snacks and stayed for {topic}.",
      "{topic} walks into a bar. The bar has follow-up questions.",
    ],
    [
      " Experts agree, which should worry us.",
      " My therapist calls it progress.",
      " The cat remains sceptical.",
      " Somewhere a spreadsheet is crying.",
      " I regret nothing and remember less.",
      " Results may vary; mine certainly do.",
    ],
    [" More at eleven.", " Send coffee.", " This has been a public service announcement.", " No refunds."],
  ],
  poetic: [
    [
      "{topic}, like rain on a slow window,",
      "Between two breaths, {topic}",
      "They asked the river about {topic};",
      "Morning lays its light upon {topic},",
      "I folded {topic} into a paper boat",
      "Under the old tree, {topic}",
    ],
    [
      "\nkeeps its own small time",
      "\nlearns the name of the wind",
      "\nand the quiet answered first",
      "\nwaits for nobody, and for us",
      "\ncarries yesterday like a lantern",
      "\nturns, and the field turns with it",
    ],
    ["\nuntil the evening agrees.", "\nand is gone.", "\nhalf song, half salt.", "\nas all soft things do."],
  ],
  terse: [
    [
      "{topic}: yes.",
      "{topic}: overdue.",
      "{topic}. Finally.",
      "{topic}, simply put:",
      "On {topic}:",
      "{topic}: worth it.",
    ],
    [" Start small.", " Keep it short.", " Ask why.", " Ship it.", " Less is more.", " Test it."],
    ["", " Then rest.", " Repeat.", " Done."],
  ],
};
