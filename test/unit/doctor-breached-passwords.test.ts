import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkBreachedPasswords } from '../../src/cli/doctor/check-breached-passwords.ts';
import { type RangeServer, startRangeServer } from '../support/range-server.ts';

describe('doctor of breached passwords', () => {
  let list: RangeServer;
  beforeEach(async () => {
    list = await startRangeServer({});
  });
  afterEach(() => list.close());

  const check = async (timeoutMs = 5000): Promise<string> => {
    const findings = await checkBreachedPasswords({ breachedPasswords: { url: list.url, timeoutMs } });
    return findings.map(({ verdict, message }) => `${verdict} ${message}`).join('\n');
  };

  it('says nothing where no list is asked', async () => {
    expect(await checkBreachedPasswords({})).toEqual([]);
  });

  it('says that the list answers', async () => {
    expect(await check()).toBe(`ok ${list.url} answers`);
    expect(list.requests).toHaveLength(1);
  });

  it('says why it does not, and what that means', async () => {
    const open =
      /^problem .* so each new password is accepted: .+\. Check passwords\.breached and the network\.$/;
    list.instead = (response) => response.writeHead(200).end('<h1>Welcome</h1>');
    expect(await check()).toMatch(open);
    expect(await check()).toContain('lists no hashes');
    list.instead = () => {};
    expect(await check(200)).toMatch(/timeout/);
    await list.close();
    expect(await check()).toMatch(open);
    expect(await check()).toContain('ECONNREFUSED');
    list = await startRangeServer({});
  });
});
