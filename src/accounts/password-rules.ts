const shortest = 12;
const longest = 128;
const rows = [
  'abcdefghijklmnopqrstuvwxyz',
  '0123456789',
  '1234567890',
  'qwertyuiop',
  'qwertzuiop',
  'asdfghjkl',
];
const overused = [
  'password',
  'passwort',
  'changeme',
  'letmein',
  'welcome',
  'willkommen',
  'iloveyou',
  'drawbridge',
  'admin',
];

/**
 * The fault in a new password, as a message for the person who chose it; `undefined` when it is accepted. NIST
 * SP 800-63B: the length counts, common guesses are refused, there are no rules about kinds of characters.
 */
export const faultOfPassword = (password: string, names: readonly string[]): string | undefined => {
  const length = [...password].length;
  if (length < shortest) return `The password is too short: it needs at least ${shortest} characters.`;
  if (length > longest) return `The password is too long: at most ${longest} characters are kept.`;
  if (/\p{Cc}/u.test(password))
    return 'The password holds control characters, which cannot be typed everywhere.';
  if (
    isFirstGuess(
      password.toLowerCase(),
      names.map((name) => name.toLowerCase()),
    )
  ) {
    return 'The password is easy to guess: common words, names of the account, or keys in a row. Choose another.';
  }
  return undefined;
};

/** Without known words, names and rows of keys, only a few characters of it remain. */
const isFirstGuess = (password: string, names: readonly string[]): boolean => {
  const known = [...names.flatMap((name) => [name, ...name.split('@')]), ...overused].filter(
    (word) => word.length > 2,
  );
  const rest = known.reduce((left, word) => left.replaceAll(word, ''), password);
  return [...withoutRows(rest)].length < shortest / 2 || new Set(password).size < 4;
};

const withoutRows = (text: string): string =>
  rows
    .flatMap((row) => [row, [...row].reverse().join('')])
    .reduce((left, row) => runsOf(row).reduce((rest, run) => rest.replaceAll(run, ''), left), text);

/** All stretches of a row with four keys or more, longest first. */
const runsOf = (row: string): readonly string[] =>
  Array.from({ length: row.length - 3 }, (_, index) => row.length - index).flatMap((size) =>
    Array.from({ length: row.length - size + 1 }, (_, start) => row.slice(start, start + size)),
  );
