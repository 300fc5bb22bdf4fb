import type { IncomingMessage } from 'node:http';

/** Name and value as they came, the name in its own case. */
/** RFC 9112 section 5: with colon, space and line end. */
export const headerBytes = (lines: readonly HeaderLine[]): number =>
  lines.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 4, 0);

export type HeaderLine = readonly [name: string, value: string];

/** For one connection alone (RFC 9110 section 7.6.1), so they end here. */
const always: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** `Connection` must not remove these, because the message would change its meaning. */
const never: ReadonlySet<string> = new Set(['content-length', 'host', 'set-cookie']);

/**
 * The end-to-end headers of a message: without those of its connection, those that `Connection` names, and those for
 * proxies (`Proxy` itself would become `HTTP_PROXY` in a CGI program).
 */
export const endToEndHeaders = ({
  rawHeaders,
  headers,
}: Pick<IncomingMessage, 'rawHeaders' | 'headers'>): readonly HeaderLine[] => {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const lines: HeaderLine[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]];
    const small = name.toLowerCase();
    if (always.has(small) || /^proxy(?:-|$)/.test(small)) continue;
    if (named.has(small) && !never.has(small)) continue;
    lines.push([name, value]);
  }
  return lines;
};

/** Header lines as Node takes them: several of one name stay several. */
export const byName = (
  lines: readonly HeaderLine[],
): ReadonlyMap<string, { readonly name: string; readonly values: string[] }> => {
  const found = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (const [name, value] of lines) {
    const small = name.toLowerCase();
    const known = found.get(small);
    if (known === undefined) found.set(small, { name, values: [value] });
    else known.values.push(value);
  }
  return found;
};
