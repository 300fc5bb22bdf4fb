// Words of which passwords are made most often. What is left of a password without them must be hard enough to guess.

const keyRows = [
  'abcdefghijklmnopqrstuvwxyz',
  '0123456789',
  '1234567890',
  'qwertyuiop',
  'qwertzuiop',
  'azertyuiop',
  'asdfghjkl',
  'yxcvbnm',
  'zxcvbnm',
  '1q2w3e4r5t6y7u8i9o0p',
  '1qaz2wsx3edc4rfv5tgb6yhn',
  'q1w2e3r4t5y6u7i8o9p0',
  'a1b2c3d4e5f6g7h8',
  '1a2b3c4d5e6f7g8h',
  'qazwsxedcrfvtgbyhnujm',
  'qweasdzxc',
  '12qwaszx',
  '147258369',
  '741852963',
  '789456123',
  '159357',
  '159753',
  '112233445566778899',
];

const words = `
  password passwort passw0rd kennwort parole motdepasse changeme changeit default secret geheim letmein
  welcome willkommen iloveyou ichliebedich loveyou trustno1 whatever computer internet administrator
  drawbridge admin qwerty qwertz azerty master access login user guest test testing example demo
  football fussball baseball basketball hockey soccer dragon monkey shadow sunshine princess
  superman batman spiderman starwars pokemon naruto minecraft killer charlie michael jennifer
  jessica michelle ashley nicole daniel andrew jordan thomas robert hunter ranger buster george
  schatz hallo hello goodbye freedom liverpool chelsea arsenal barcelona bayern schalke
  chocolate cookie cheese banana orange purple flower butterfly samantha victoria elizabeth
  mustang corvette ferrari porsche mercedes yamaha harley maverick phoenix matrix
  summer winter spring autumn sommer herbst january february march april june july august
  september october november december monday tuesday wednesday thursday friday saturday sunday
  google facebook linkedin instagram twitter youtube microsoft windows samsung android iphone nintendo playstation
  fortnite roblox pikachu yugioh metallica nirvana slipknot greenday spongebob tinkerbell snoopy scooby mickey
  alexander christopher benjamin anthony matthew joshua nicholas jonathan patrick gabriel fernando veronica andreas
  yankees cowboys lakers steelers eagles borussia hamburg frankfurt berlin muenchen münchen deutschland germany
  england america australia brooklyn marseille friends forever nothing lovely babygirl angel peanut ginger maggie
  bailey tigger sesame passport contraseña senha soleil bonjour doudou loulou`;

export const commonPasswords: readonly string[] = [
  'thequickbrownfox',
  'the quick brown fox',
  'tobeornottobe',
  'to be or not to be',
  'maytheforcebewithyou',
  'may the force be with you',
  ...words.trim().split(/\s+/),
];

/** What people write in place of letters. */
const lookAlikes: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

export const withPlainLetters = (text: string): string =>
  text.replace(/[013457@$!]/g, (sign) => lookAlikes[sign] ?? sign);

/** Without runs of four or more neighbouring keys, in either direction. */
export const withoutKeyRuns = (text: string): string =>
  keyRows
    .flatMap((row) => [row, [...row].reverse().join('')])
    .reduce((left, row) => runsOf(row).reduce((rest, run) => rest.replaceAll(run, ''), left), text);

/** All stretches of a row with four keys or more, longest first. */
const runsOf = (row: string): readonly string[] =>
  Array.from({ length: row.length - 3 }, (_, index) => row.length - index).flatMap((size) =>
    Array.from({ length: row.length - size + 1 }, (_, start) => row.slice(start, start + size)),
  );
