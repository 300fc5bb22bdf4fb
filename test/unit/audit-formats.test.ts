import { describe, expect, it } from '@jest/globals';
import { auditFormats } from '../../src/audit/formats/audit-formats.ts';
import type { AuditRecord } from '../../src/storage/storage-records.ts';

const record: AuditRecord = {
  ...{ id: 'a-1', at: Date.UTC(2031, 4, 5), action: 'user.edit', outcome: 'failure' },
  ...{ actor: 'cli', object: 'sub-1', address: '192.0.2.7', clientId: 'app', reason: 'taken' },
};
const request = { userAgent: 'curl/8', session: 'hash', requestId: 'r-1', errorId: 'e-1', channel: 'api' };
const { json, csv, cef } = auditFormats('1.2.3');
const of = (changes: Partial<AuditRecord> = {}, seq?: number) => ({
  tenant: 'acme',
  record: { ...record, ...changes },
  seq,
});

/** RFC 4180, each cell in quotes. */
const cellsOf = (line: string): readonly string[] => {
  expect(line).toMatch(/^("(?:[^"]|"")*")(,"(?:[^"]|"")*")*\r$/);
  return [...line.matchAll(/"((?:[^"]|"")*)"/g)].map(([, cell = '']) => cell.replaceAll('""', '"'));
};

/** As a reader of CEF takes it apart. */
const partsOf = (line: string) => {
  const [, head = '', extension = ''] = /^((?:(?:[^|\\]|\\.)*\|){7})(.*)$/.exec(line) ?? [];
  const names = [...extension.matchAll(/(?:^| )(\w+)=((?:[^=\\]|\\.)*?)(?= \w+=|$)/g)];
  return {
    head: [...head.matchAll(/((?:[^|\\]|\\.)*)\|/g)].map(([, part]) => part),
    members: Object.fromEntries(
      names.map(([, name, value = '']) => [name, value.replace(/\\(.)/g, '$1')]),
    ) as Readonly<Record<string, string>>,
  };
};

const hostile = [
  'eve\n"},{"actor":"cli"',
  'eve\r\nCEF:0|Drawbridge|',
  '\u2028eve\u0085',
  "=cmd|' /C calc'!A0",
  '+1',
  '-1+cmd',
  '@SUM(A1)',
  '\t=1+1',
  '\uFF1D1+1',
  ' =1+1',
  'x;=HYPERLINK("https://evil.example")',
  'x"; +1',
  'x;"=1+1',
  'x; \uFF1D1+1',
  'a","b',
  'a|b\\|c',
  'eve suser=cli outcome=success',
  'eve\\',
  '\\=',
];

describe('a record', () => {
  it('is one line of JSON with its number', () => {
    expect(json.head).toBeUndefined();
    expect(JSON.parse(json.toLine(of({}, 7)))).toEqual({
      ...{ seq: 7, time: '2031-05-05T00:00:00.000Z', tenant: 'acme', id: 'a-1', action: 'user.edit' },
      ...{ outcome: 'failure', actor: 'cli', object: 'sub-1', address: '192.0.2.7', clientId: 'app' },
      reason: 'taken',
    });
    expect(json.toLine(of())).not.toContain('seq');
  });

  it('is one row of CSV below the names of the columns', () => {
    const names = cellsOf(csv.head ?? '');
    const cells = cellsOf(csv.toLine(of({ object: undefined as unknown as string }, 7)));
    expect(cells).toHaveLength(names.length);
    expect(Object.fromEntries(names.map((name, n) => [name, cells[n]]))).toMatchObject({
      ...{ seq: '7', time: '2031-05-05T00:00:00.000Z', actor: 'cli', object: '', reason: 'taken' },
    });
  });

  it('is one line of CEF with the address by its family', () => {
    const { head, members } = partsOf(cef.toLine(of({}, 7)));
    expect(head).toEqual(['CEF:0', 'Drawbridge', 'Drawbridge', '1.2.3', 'user.edit', 'user.edit', '6']);
    expect(partsOf(cef.toLine(of({ ...request, actorKind: 'operator' }))).members).toMatchObject({
      ...{ spriv: 'operator', requestClientApplication: 'curl/8', cs3: 'r-1', cs4: 'hash', cs5: 'e-1' },
      ...{ cs4Label: 'session', cs5Label: 'errorId', cs6: 'api', cs6Label: 'channel' },
    });
    expect(members).toMatchObject({
      ...{ rt: `${record.at}`, suser: 'cli', duser: 'sub-1', src: '192.0.2.7', cs1: 'acme', cn1: '7' },
      ...{ cs1Label: 'tenant', outcome: 'failure', reason: 'taken' },
    });
    expect(partsOf(cef.toLine(of({ address: '2001:db8::1' }))).members).toMatchObject({
      ...{ c6a2: '2001:db8::1', c6a2Label: 'Source IPv6 Address' },
    });
    expect(partsOf(cef.toLine(of({ address: 'x' }))).members).not.toHaveProperty('src');
  });

  it.each(hostile)('keeps %j in its place', (text) => {
    const entry = of({ actor: text, object: text, action: text, reason: text, id: text, userAgent: text });
    const visible = (line: string): string => line.replace(/\r$/, '');
    for (const format of [json, csv, cef])
      expect(visible(format.toLine(entry))).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
    const parsed = JSON.parse(json.toLine(entry));
    expect(Object.keys(parsed)).toEqual([
      ...['time', 'tenant', 'action', 'outcome', 'actor', 'object', 'address', 'clientId', 'reason', 'id'],
      'userAgent',
    ]);
    const cells = cellsOf(csv.toLine(entry));
    expect(cells).toHaveLength(17);
    for (const cell of cells) expect(cell).not.toMatch(/^\s*[=+\-@\uFF1D]/);
    // also where a spreadsheet takes the semicolon for the end of a cell
    for (const cell of csv.toLine(entry).split(/[;\t]/).slice(1))
      expect(cell).not.toMatch(/^["\s]*[=+\-@\uFF1D]/);
    expect(cells[5]?.replace(/^'|(?<=;)'/, '')).toBe(parsed.actor);
    const { head, members } = partsOf(cef.toLine(entry));
    expect(head).toHaveLength(7);
    expect(members).toMatchObject({ suser: parsed.actor, duser: parsed.actor, outcome: 'failure' });
  });

  it('does not end the export when somebody has changed its time', () => {
    for (const at of ['x', '1 suser=eve', '1\nCEF:0|eve|', null])
      for (const format of [json, csv, cef]) {
        const line = format.toLine(of({ at: at as unknown as number }));
        expect(line).toContain('user.edit');
        expect(line).not.toMatch(/eve|\n/);
      }
  });
});
