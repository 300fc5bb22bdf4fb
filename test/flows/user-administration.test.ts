import { beforeEach, describe, expect, it } from '@jest/globals';
import type { PersonSessions } from '../../src/accounts/person-sessions.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { createPersonSignIns } from '../../src/tenants/person-sign-ins.ts';
import { createBrowser, formsOf } from '../support/browser.ts';
import { approveDevice, pollDevice, startDevice } from '../support/device.ts';
import { addNewPerson, type NewPerson } from '../support/new-person.ts';
import { refresh, tokenRequest, tokensFor, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { migrator, sampleTenant, tv, web } from '../support/sample-tenants.ts';
import { withEachStore } from '../support/use-server.ts';

await withEachStore({ instances: 2, tenants: { acme: sampleTenant() } }, (server) => {
  const issuer = server.issuer('acme');
  let person: NewPerson;
  let sub: string;

  beforeEach(async () => {
    ({ person, sub } = await addNewPerson(server));
  });

  const openSessions = async (): Promise<PersonSessions> => {
    const storage = server.storage.forTenant('acme');
    const found = await server.instances[0]?.tenants.find('acme');
    if (found?.status !== 'served') throw new Error('the tenant is not served');
    const { revocations, devices } = found.tenant;
    const audit = createAudit({
      records: storage.audit,
      log: createLog({ level: 'silent' }),
      clock: systemClock,
    });
    return createPersonSignIns({ storage, revocations, devices, audit, clock: systemClock }).sessions;
  };
  const actionsOf = async (): Promise<readonly string[]> =>
    (await server.storage.forTenant('acme').audit.list({ limit: 20 }))
      .filter(({ object }) => object === sub)
      .map(({ action }) => action);
  const statusOf = async (accessToken: string | undefined): Promise<number> =>
    (await userinfo(issuer, accessToken ?? '')).status;
  const signInAt = () => tokensFor(createBrowser(), { issuer, client: web }, person);

  describe('the sessions of a person', () => {
    it('are listed with their apps, and one of them ends with its tokens alone', async () => {
      const [first, second] = [await signInAt(), await signInAt()];
      const sessions = await openSessions();
      const found = await sessions.list(sub);
      expect(found).toHaveLength(2);
      expect(found).toMatchObject([{ clients: ['web'] }, { clients: ['web'] }]);

      expect(await sessions.end(sub, found[0]?.id ?? '', { actor: 'cli' })).toBe(true);
      expect(await sessions.end(sub, found[0]?.id ?? '', { actor: 'cli' })).toBe(false);
      expect(await sessions.end('somebody-else', found[1]?.id ?? '', { actor: 'cli' })).toBe(false);
      const alive = await Promise.all([first, second].map(({ access_token }) => statusOf(access_token)));
      expect(alive.toSorted()).toEqual([200, 401]);
      expect(await actionsOf()).toContain('session.end');
    });

    it('all end at once, with tokens that have no session', async () => {
      const form = { grant_type: 'password', scope: 'openid', ...person };
      const direct = await tokenRequest(issuer, migrator, form);
      const browser = await signInAt();
      expect(await statusOf(direct.body.access_token)).toBe(200);
      const sessions = await openSessions();
      expect(await sessions.endAll(sub, { actor: 'cli' })).toBe(1);
      expect(await sessions.list(sub)).toEqual([]);
      for (const token of [direct.body.access_token, browser.access_token])
        expect(await statusOf(token)).toBe(401);
      expect(await actionsOf()).toContain('session.end_all');
    });
  });

  it('a person sees their devices on the account page, and signs out one of them', async () => {
    const devices = await Promise.all(
      ['first', 'second'].map(async () => {
        const started = await startDevice(issuer, { client: tv });
        await approveDevice(createBrowser(), issuer, started, person);
        return (await pollDevice(issuer, started)).body.access_token;
      }),
    );
    const browser = createBrowser();
    const login = await browser.follow(await browser.get(issuer));
    await browser.follow(await browser.submit(login, { login: person.username, password: person.password }));
    const page = await browser.get(`${issuer}/account`);
    const forms = formsOf(page).flatMap(({ action }, index) => (action.includes('/devices/') ? [index] : []));
    expect(forms).toHaveLength(2);
    const answer = await browser.follow(await browser.submit(page, {}, forms[0]));
    expect(textOf(answer)).toContain('The device was signed out.');
    const statuses = await Promise.all(devices.map(statusOf));
    expect(statuses.toSorted()).toEqual([200, 401]);
    expect((await browser.get(`${issuer}/account`)).status).toBe(200);

    const others = (await server.storage.forTenant('acme').devices.list({ sub, limit: 9 }))[0]?.id ?? '';
    const forged = formsOf(page)[forms[0] ?? 0];
    expect(forged?.action).not.toContain(others);
    const stranger = await fetch(`${issuer}/account/devices/${others}/sign-out`, {
      method: 'POST',
      body: new URLSearchParams({ csrf: 'x' }),
      redirect: 'manual',
    });
    expect([303, 403]).toContain(stranger.status);
    expect((await Promise.all(devices.map(statusOf))).toSorted()).toEqual([200, 401]);
  });

  it('a deleted person has nothing left: no session, token, device or name', async () => {
    const signedIn = await signInAt();
    const direct = await tokenRequest(issuer, migrator, {
      grant_type: 'password',
      scope: 'openid',
      ...person,
    });
    const started = await startDevice(issuer, { client: tv });
    await approveDevice(createBrowser(), issuer, started, person);
    const device = await pollDevice(issuer, started);
    expect(device.status).toBe(200);
    const storage = server.storage.forTenant('acme');
    expect(await storage.devices.list({ sub, limit: 9 })).toHaveLength(1);

    expect(await server.users('acme').remove(person.username)).toMatchObject({ ok: true });

    const tokens = [signedIn.access_token, direct.body.access_token, device.body.access_token];
    for (const token of tokens) expect(await statusOf(token)).toBe(401);
    for (const [client, body] of [
      [web, signedIn],
      [migrator, direct.body],
    ] as const)
      expect((await refresh(issuer, client, body.refresh_token)).status).toBe(400);
    expect(await storage.devices.list({ sub, limit: 9 })).toEqual([]);
    expect(await storage.artifacts.sessionsOf(sub)).toEqual([]);
    expect(await storage.accounts.findByLogin(person.username)).toBeUndefined();
    expect(await actionsOf()).toContain('user.delete');
    const again = await server.users('acme').add(person);
    expect(again).toMatchObject({ ok: true });
    expect(again.ok && again.account.sub).not.toBe(sub);
  });

  it('an edited person has the new groups in the next tokens', async () => {
    await server.users('acme').edit(person.username, { groups: ['board'], name: 'Dana Doe' });
    const request = { issuer, client: web, scope: 'openid profile groups' };
    const { access_token } = await tokensFor(createBrowser(), request, person);
    const { body } = await userinfo(issuer, access_token);
    expect(body).toMatchObject({ sub, groups: ['board'], name: 'Dana Doe' });
  });
});
