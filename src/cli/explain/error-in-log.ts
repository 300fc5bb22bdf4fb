// The lines of the log that belong to an error id: its own, and those of the same request after it.
import { createInterface } from 'node:readline';
import { printable } from '../../protocol/printable.ts';

export type LogLine = Readonly<Record<string, unknown>>;

const mostLines = 50;

export const findInLog = async (
  input: NodeJS.ReadableStream,
  errorId: string,
): Promise<readonly LogLine[]> => {
  const found: LogLine[] = [];
  const requests = new Set<unknown>();
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    // most lines are not about it, and need not be parsed
    if (!text.includes(errorId) && ![...requests].some((id) => text.includes(String(id)))) continue;
    const line = parseLine(text);
    if (line === undefined) continue;
    if (line.errorId !== errorId && !requests.has(line.requestId)) continue;
    if (typeof line.requestId === 'string') requests.add(line.requestId);
    found.push(line);
    if (found.length === mostLines) break;
  }
  return found;
};

/** Programs that collect logs put words of their own before the line, or other lines between. */
const parseLine = (text: string): LogLine | undefined => {
  try {
    const value: unknown = JSON.parse(text.slice(text.indexOf('{')));
    return typeof value === 'object' && value !== null ? (value as LogLine) : undefined; // fields are checked where used
  } catch {
    return undefined;
  }
};

/** The sentence of the line, and its fields below. Causes of an error are shown without their stacks. */
export const logLineText = ({ level, time, msg, ...facts }: LogLine): readonly string[] => [
  [time, level, msg].map(wordOf).join('  '),
  ...Object.entries(facts).flatMap(([name, value]) =>
    name === 'err' ? causesOf(value) : [`  ${name.padEnd(widest)}${wordOf(value)}`],
  ),
];

const widest = 16;

const wordOf = (value: unknown): string =>
  printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

const causesOf = (value: unknown): readonly string[] => {
  const { type, message, cause } = (value ?? {}) as Readonly<Record<string, unknown>>; // of the log's own serializer
  const first = `  ${'cause'.padEnd(widest)}${wordOf(type)}: ${wordOf(message)}`;
  return cause === undefined ? [first] : [first, ...causesOf(cause)];
};
