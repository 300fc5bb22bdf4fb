import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refuseBreached } from '../../src/accounts/breached-passwords.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';
import { createLog } from '../../src/log.ts';
import { secondFactor } from '../support/people.ts';
import { digitsOf, type RangeServer, startRangeServer } from '../support/range-server.ts';
import { createTestClock } from '../support/test-clock.ts';

const listed = 'lantern orbit mosaic';
const padded = 'velvet harbour compass';
const unlisted = 'granite meadow whistle';
const composed = 'über den Wolken fliegen';
const alice = { username: 'alice' };

describe('the list of breached passwords', () => {
  let list: RangeServer;
  let lines: string[] = [];
  beforeEach(async () => {
    lines = [];
    list = await startRangeServer({ [listed]: 3, [padded]: 0, [composed]: 1 });
  });
  afterEach(() => list.close());

  const faultOf = (password: string, { url = list.url, timeoutMs = 5000 } = {}) => {
    const tenant = { id: 'acme', displayName: 'Acme', secondFactor };
    const rules = createPasswordRules(tenant, createTestClock(Date.UTC(2030, 0, 1)));
    const log = createLog({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
    return refuseBreached(
      rules,
      { id: 'acme', breachedPasswords: { url, timeoutMs } },
      { log },
    )(password, alice);
  };

  it('refuses a password that is on it, and no other', async () => {
    expect(await faultOf(listed)).toMatch(/has become public/);
    expect(await faultOf(unlisted)).toBeUndefined();
    expect(await faultOf(padded)).toBeUndefined();
    expect(lines).toEqual([]);
  });

  it('finds a password however its letters are composed', async () => {
    expect(await faultOf(composed.normalize('NFD'))).toMatch(/has become public/);
  });

  it('is sent five digits of the hash, and asked for an answer with padding', async () => {
    await faultOf(listed, { url: `${list.url}/` });
    expect(list.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET /range/${digitsOf(listed).slice(0, 5)}?mode=sha1`,
    ]);
    const { headers } = list.requests[0] ?? { headers: {} };
    expect(headers).toMatchObject({ 'add-padding': 'true', 'user-agent': 'Drawbridge' });
    expect(JSON.stringify(headers)).not.toContain(digitsOf(listed).slice(5));
  });

  it('is not asked about a password that the rules refuse', async () => {
    expect(await faultOf('short')).toMatch(/too short/);
    expect(await faultOf('passwordpassword')).toMatch(/easy to guess/);
    expect(list.requests).toEqual([]);
  });

  it.each<readonly [string, (response: ServerResponse) => void]>([
    ['says nothing', () => {}],
    ['stops in the middle', (response) => response.writeHead(200).write(`${'0'.repeat(35)}:1\r\n`)],
    ['has failed', (response) => response.writeHead(503).end(digitsOf(listed).slice(5))],
    ['refuses', (response) => response.writeHead(429).end()],
    ['hangs up', (response) => response.destroy()],
    [
      'is a page of somebody else',
      (response) => response.writeHead(200).end('<h1>Sign in: the network</h1>'),
    ],
  ])('refuses nothing while it %s, and the log says so', async (_what, instead) => {
    list.instead = instead;
    expect(await faultOf(listed, { timeoutMs: 300 })).toBeUndefined();
    expect(list.requests).toHaveLength(1);
    expectOneWarning();
  });

  it('refuses nothing while nobody listens there', async () => {
    await list.close();
    expect(await faultOf(listed)).toBeUndefined();
    expectOneWarning();
    list = await startRangeServer({});
  });

  const expectOneWarning = (): void => {
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', tenant: 'acme', msg: expect.stringContaining('list of breached passwords') },
    ]);
    for (const secret of [listed, digitsOf(listed).slice(0, 5), digitsOf(listed).slice(5)])
      expect(lines.join('').toUpperCase()).not.toContain(secret.toUpperCase());
  };
});
