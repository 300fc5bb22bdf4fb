import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { approveDevice, pollDevice, type startDevice } from '../support/device.ts';
import { postAs, refresh } from '../support/oauth-client.ts';
import { openClient } from '../support/sample-tenants.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, serviceTenant } from './installation.ts';

const password = 'correct horse battery staple';
const tv = openClient('tv', '');
const tenant = serviceTenant({
  clients: [
    {
      client_id: tv.id,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      firstParty: true,
    },
  ],
});

let home: Installation;
beforeAll(ensureBuilt, 120_000);

const install = async (): Promise<void> => {
  home = await createInstallation();
  home.putTenant('acme', tenant);
};

/** Lets a device in; resolves to its refresh token. */
const letIn = async (username: string, form: Readonly<Record<string, string>>): Promise<string> => {
  const issuer = home.issuer('acme');
  const { body } = await postAs(tv, `${issuer}/device/auth`, { form: { scope: 'openid', ...form } });
  const started = body as unknown as Awaited<ReturnType<typeof startDevice>>; // as the endpoint answers
  await approveDevice(createBrowser(), issuer, started, { username, password });
  return (await pollDevice(issuer, started, tv)).body.refresh_token ?? '';
};

const listed = async (...more: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  JSON.parse((await home.run(['device', 'list', 'acme', '--json', ...more])).stdout);

describe('device', () => {
  beforeEach(async () => {
    await install();
    for (const name of ['alice', 'bob'])
      await home.run(['user', 'add', 'acme', name, '--password-stdin'], { input: password });
  });
  afterEach(() => home.remove());

  it('shows who let in what, renames it, and signs one out while the server runs', async () => {
    await home.start();
    const hall = await letIn('alice', { device_name: 'Hall', device_model: 'M1', device_serial: 'S-1' });
    const desk = await letIn('bob', {});
    const table = await home.run(['device', 'list', 'acme']);
    const [ofAlice, ...more] = await listed('--user', 'alice');
    const id = String(ofAlice?.id);
    const renamed = await home.run(['device', 'rename', 'acme', id, 'Kitchen']);
    const revoked = await home.run(['device', 'revoke', 'acme', id]);
    const [left, ...others] = await listed();

    expect(table.stdout).toMatch(/alice\s+Hall\s+M1\s+S-1\s+tv\s+signed in/);
    expect(table.stdout).toMatch(/bob\s+-\s+-\s+-\s+tv\s+signed in/);
    expect(more).toEqual([]);
    expect(ofAlice).toMatchObject({ username: 'alice', name: 'Hall', isSignedIn: true });
    expect(renamed).toMatchObject({ code: 0, stdout: `The device ${id} is called Kitchen now.\n` });
    expect(revoked).toMatchObject({
      code: 0,
      stdout: `The device Kitchen (${id}) was signed out. It can be approved again.\n`,
    });
    expect(left).toMatchObject({ username: 'bob', isSignedIn: true });
    expect(others).toEqual([]);
    expect((await refresh(home.issuer('acme'), tv, hall)).body.error).toBe('invalid_grant');
    expect((await refresh(home.issuer('acme'), tv, desk)).status).toBe(200);
  });

  it('shows devices of disabled people as signed out', async () => {
    await home.start();
    await letIn('alice', { device_serial: 'S-1' });
    await home.run(['user', 'disable', 'acme', 'alice']);

    expect(await listed()).toMatchObject([{ username: 'alice', isSignedIn: false }]);
  });
});

describe('device, of which there is none,', () => {
  beforeAll(install);
  afterAll(() => home.remove());

  it.each([
    [['device', 'list', 'nowhere'], /There is no tenant nowhere/],
    [['device', 'list', 'acme', '--user', 'carol'], /No account of acme has the name/],
    [['device', 'revoke', 'acme', 'never'], /There is no device never in acme/],
    [['device', 'rename', 'acme', 'never', 'x'], /There is no device never in acme/],
    [['device', 'rename', 'acme', 'never', 'x'.repeat(101)], /A name is plain text/],
  ])('says what is wrong with %j', async (args, words) => {
    const { code, stderr } = await home.run(args);

    expect(code).toBe(1);
    expect(stderr).toMatch(words);
  });

  it('says so', async () => {
    expect((await home.run(['device', 'list', 'acme'])).stdout).toBe('There are no devices in acme.\n');
  });
});
