import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const marksOf = (part: string) => ({ begin: `<!-- ${part}:begin -->`, end: `<!-- ${part}:end -->` });

/** Replaces what stands between the marks of a part; what people wrote around them stays. */
export const writeDocument = (
  file: string,
  part: 'bench' | 'federation' | 'gateway',
  content: string,
): void => {
  const marks = marksOf(part);
  const block = `${marks.begin}\n${content.trim()}\n${marks.end}`;
  const old = existsSync(file)
    ? readFileSync(file, 'utf8')
    : `# Benchmarks\n\n${marks.begin}\n${marks.end}\n`;
  const begin = old.indexOf(marks.begin);
  const end = old.indexOf(marks.end);
  if (begin < 0 || end < begin) throw new Error(`${file} has lost its marks ${marks.begin} and ${marks.end}`);
  writeFileSync(file, `${old.slice(0, begin)}${block}${old.slice(end + marks.end.length)}`);
};
