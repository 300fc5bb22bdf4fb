/** `*` in the pattern stands for any characters. Takes a time in proportion to name and pattern. */
const matchesPattern = (name: string, pattern: string): boolean => {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
};

/** The names that one of the patterns stands for. */
export const matchingNames = (names: readonly string[], patterns: readonly string[]): readonly string[] =>
  names.filter((name) => patterns.some((pattern) => matchesPattern(name, pattern)));
