import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createAudit } from '../../src/audit/audit.ts';
import { digestOf } from '../../src/audit/chain/chain-link.ts';
import { createLog } from '../../src/log.ts';
import type { AuditRecord } from '../../src/storage/storage-records.ts';
import { openPeople, type People } from '../support/people.ts';

let people: People;

beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const event = { action: 'user.add', outcome: 'success', actor: 'cli' } as const;
const stored = () => people.tenant('acme').audit.list({ limit: 100 });

describe('an audit event', () => {
  it('becomes one record and one log line', async () => {
    await people.audit('acme').note({ ...event, object: 'sub-1', reason: 'why' });
    const [record] = await stored();
    expect(record).toMatchObject({ ...event, object: 'sub-1', reason: 'why', at: people.clock.now() });
    expect(people.lines).toHaveLength(1);
    expect(JSON.parse(people.lines[0] ?? '')).toMatchObject({ tenant: 'acme', level: 'info', audit: record });
  });

  it('has an id that sorts by time', async () => {
    const audit = people.audit('acme');
    for (let index = 0; index < 5; index += 1) {
      await audit.note({ ...event, actor: `actor-${index}` });
      people.clock.advance(index === 2 ? 10_000_000_000 : 13);
    }
    const byId = [...(await stored())].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(byId.map(({ actor }) => actor)).toEqual(['actor-0', 'actor-1', 'actor-2', 'actor-3', 'actor-4']);
  });

  it.each([
    ['a line break', 'eve\r\n{"level":"info"}', 'eve\\u{d}\\u{a}{"level":"info"}'],
    ['an ANSI sequence', '\u001b[2Jeve', '\\u{1b}[2Jeve'],
    ['a C1 control', '\u009b2Jeve', '\\u{9b}2Jeve'],
    ['a line separator', 'eve\u2028x', 'eve\\u{2028}x'],
    ['a turn of direction', 'eve\u202etxt.exe', 'eve\\u{202e}txt.exe'],
    ['an emoji', 'eve 🦊', 'eve 🦊'],
  ])('spells out %s in a name', async (_name, actor, expected) => {
    await people.audit('acme').note({ ...event, actor });
    expect((await stored())[0]?.actor).toBe(expected);
    expect(
      people.lines
        .join('')
        .trimEnd()
        .split(/[\p{Cc}\p{Zl}]/u),
    ).toHaveLength(1);
  });

  it('keeps a bounded part of a long name', async () => {
    await people
      .audit('acme')
      .note({ ...event, actor: '\n'.repeat(1_000_000), reason: 'x'.repeat(1_000_000) });
    const [record] = await stored();
    expect(record?.actor).toHaveLength(256);
    expect(record?.reason).toHaveLength(256);
    expect(people.lines.join('').length).toBeLessThan(2000);
  });

  it('takes along nothing but its own fields', async () => {
    await people.audit('acme').note({ ...event, ...{ password: 'hunter2', tokens: ['t0ken'] } });
    expect(JSON.stringify(await stored()) + people.lines.join('')).not.toMatch(/hunter2|t0ken/);
  });
});

it('a record of an earlier release, without the later members, has the digest that its link was made with', () => {
  const record = {
    id: 'a-1',
    at: 1_936_000_000_000,
    action: 'user.edit',
    outcome: 'failure',
    actor: 'cli',
  } as const;
  expect(digestOf({ ...record, object: 'sub-1', address: '192.0.2.7', reason: 'taken' })).toBe(
    'QnpPiuwxdMZAelFSlEususum2ojlpT6hKnsneJaZDPQ',
  );
});

describe('an audit record that cannot be written', () => {
  const brokenAudit = () => {
    const lines: string[] = [];
    const records = {
      append: () => Promise.reject(new Error('disk full')),
      list: () => Promise.resolve([]),
    };
    const log = createLog({ level: 'info' }, { write: (line) => void lines.push(line) });
    return { lines, audit: createAudit({ records, log, clock: people.clock }) };
  };

  it('prevents no sign-in, and is an error line that holds the event', async () => {
    const { audit, lines } = brokenAudit();
    await audit.note({ ...event, actor: 'alice' });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', audit: { actor: 'alice' } });
  });

  it('is counted by a record as soon as one can be written again', async () => {
    const written: AuditRecord[] = [];
    let isBroken = true;
    const { audit: own } = people.tenant('acme');
    const audit = createAudit({
      records: {
        ...own,
        append: async (record) => {
          if (isBroken) throw new Error('disk full');
          written.push(record);
          await own.append(record);
        },
      },
      ...{ log: people.log, clock: people.clock },
    });
    const from = new Date(people.clock.now()).toISOString();
    for (let n = 0; n < 3; n += 1) {
      await audit.note(event);
      people.clock.advance(1000);
    }
    await expect(audit.noteBefore(event)).rejects.toMatchObject({ code: 'unavailable' });
    const to = new Date(people.clock.now() - 1000).toISOString();
    isBroken = false;
    await audit.note({ ...event, object: 'first' });
    await audit.note({ ...event, object: 'second' });
    expect(written.map(({ action, object }) => object ?? action)).toEqual(['first', 'audit.gap', 'second']);
    expect(written[1]).toMatchObject({
      ...{ outcome: 'failure', actor: 'drawbridge', reason: `3 from ${from} to ${to}` },
    });
  });

  it('stops the change of an operator', async () => {
    const { audit, lines } = brokenAudit();
    await expect(audit.noteBefore(event)).rejects.toMatchObject({ code: 'unavailable' });
    expect(lines).toHaveLength(1);
  });
});
