// The page of the search loads this file after searchtools.js, which defines `Search`. The extension
// error_messages_page.py puts MESSAGES before it: the page, the anchor and the text of each message.
//
// Sphinx ranks all pages alike, and finds only pages that have every word. So a word of daily work
// led to the decision records first, and an error's text led nowhere, because it contains names of
// the reader's program.

// How much a page gains. The first prefix that fits decides.
const GAINS = [
  ["help/messages/", 0],
  ["help/questions", 1],
  ["help/", 4],
  ["how-to/index", 0],
  // The guides that most readers need come before the others with the same word.
  ["how-to/choose-a-delivery", 5],
  ["how-to/declare-a-signal", 5],
  ["how-to/run-after-the-commit", 6],
  ["how-to/run-django-on-clarion", 5],
  ["how-to/send-and-receive", 6],
  ["how-to/send-model-signals", 5],
  ["how-to/survive-a-crash", 5],
  ["how-to/test-", 5],
  ["how-to/write-", 0],
  ["how-to/bundle-", 0],
  ["how-to/", 4],
  ["migrate/", 2],
  ["recipes/", 3],
  ["explanation/", 1],
  ["tutorial/python/", 1],
  ["tutorial/index", 0],
  ["tutorial/", -6], // the same chapters as in plain Python
  ["contributing", -6],
  ["decisions/", -14],
  ["changelog", -14],
];
const IN_TITLE = 3;
const MESSAGE = 2;
const FEW_RESULTS = 5;

const query = () => (new URLSearchParams(window.location.search).get("q") ?? "").trim();
const wordsOfQuery = () => query().toLowerCase().split(/\s+/);
const isMessage = () => wordsOfQuery().length > 2;

var Scorer = {
  score: ([docname, title, anchor, descr, score, filename, kind]) => {
    if (kind === "object") {
      if (anchor.includes("clarion.typing.")) return score - 30;
      // A reader who types the name of a package seeks its guide, not its module.
      return anchor.startsWith("#module-") ? score - 14 : score - 1;
    }
    const gain = GAINS.find(([prefix]) => docname.startsWith(prefix))?.[1] ?? 0;
    const ofMessage = isMessage() && docname.startsWith("help/messages/") ? MESSAGE : 0;
    const page = title.split(" > ")[0].toLowerCase();
    const inTitle = wordsOfQuery().some((word) => page.includes(word)) && !isMessage();
    return score + gain + ofMessage + (inTitle ? IN_TITLE : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

// Return the pages that have at least half of the words. A rare word counts more than a common one.
const pagesWithSomeWords = (words) => {
  const { terms, titleterms, docnames, filenames, titles } = Search._index;
  const filesOf = (index, word) => (Object.hasOwn(index, word) ? [index[word]].flat() : []);
  const weights = new Map();
  let all = 0;
  for (const word of words) {
    const files = new Set([...filesOf(terms, word), ...filesOf(titleterms, word)]);
    if (files.size === 0) continue; // a name of the reader's program
    all += 1 / files.size;
    files.forEach((file) => weights.set(file, (weights.get(file) ?? 0) + 1 / files.size));
  }
  return [...weights]
    .filter(([, weight]) => weight >= all / 2)
    .map(([file, weight]) => [
      docnames[file], titles[file], "", null, (4 * weight) / all, filenames[file], "text",
    ]);
};

const plain = (text) => text.toLowerCase().replaceAll("`", "").replace(/\s+/g, " ").trim();

// Return whether a text has the parts of a message in their order, with anything in its gaps.
const hasParts = (text, message) => {
  let start = 0;
  return message.split("\u2026").every((part) => {
    const found = text.indexOf(part.trim(), start);
    start = found + part.trim().length;
    return found >= 0;
  });
};

// Return the messages whose text was pasted, and those that contain a pasted part.
const pastedMessages = () => {
  const { docnames, filenames, titles } = Search._index;
  const text = plain(query());
  if (text.split(" ").length < 3) return [];
  return MESSAGES.filter(([, , message]) => {
    const known = plain(message);
    return known.includes(text) || (known.split(" ").length > 3 && hasParts(text, known));
  }).map(([docname, anchor, message]) => {
    const file = docnames.indexOf(docname);
    const title = `${titles[file]} > ${message}`;
    return [docname, title, `#${anchor}`, null, 50 + message.length, filenames[file], "title"];
  });
};

const withAllWords = Search.performTermsSearch;

Search.performTermsSearch = (words, excluded) => {
  const results = [...pastedMessages(), ...withAllWords(words, excluded)];
  if (words.size < 3 || excluded.size > 0 || results.length >= FEW_RESULTS) return results;
  const found = new Set(results.map(([docname]) => docname));
  return [...results, ...pagesWithSomeWords(words).filter(([docname]) => !found.has(docname))];
};
