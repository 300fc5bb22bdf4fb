import { afterEach, describe, expect, it } from '@jest/globals';
import { checkMail, sendTestMail } from '../../src/cli/doctor/check-mail.ts';
import { systemClock } from '../../src/clock.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { freePort, type MailServer, startMailServer } from '../support/mail-server.ts';
import { createCertificateAuthority } from '../support/slapd-certificates.ts';

const definition = (() => {
  const loaded = loadTenant({
    id: 'acme',
    text: 'displayName: Acme\nlocale: de\n',
    path: 'acme.yaml',
    env: {},
  });
  if ('faults' in loaded) throw new Error('the tenant is at fault');
  return loaded.definition;
})();

describe('doctor of mail', () => {
  let server: MailServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  const verdicts = async (...args: Parameters<typeof checkMail>) =>
    (await checkMail(...args)).map(({ verdict, message }) => `${verdict} ${message}`).join('\n');

  it('connects and signs in', async () => {
    expect(await verdicts(undefined)).toMatch(/^ok There is no mail server\. .*mail\.host/);
    server = await startMailServer({ login: { user: 'me', password: 'secret of mail' } });
    expect(await verdicts(server.settings)).toMatch(/^ok 127\.0\.0\.1:\d+ takes mails and the password$/);
    const wrong = await verdicts({ ...server.settings, password: 'another secret' });
    expect(wrong).toMatch(/^problem .*Check mail\.user and mail\.password\.$/);
    expect(wrong).not.toContain('secret');
    expect(await verdicts({ ...server.settings, tls: 'implicit' })).toMatch(
      /^problem .*mail\.tls \(now implicit\)/,
    );
    expect(await verdicts({ ...server.settings, port: await freePort() })).toMatch(/^problem .*ECONNREFUSED/);
    expect(server.taken).toEqual([]);
  });

  it('advises on the network where nothing listens', async () => {
    server = await startMailServer();
    const refused = await verdicts({ ...server.settings, port: await freePort() });
    expect(refused).toMatch(/^problem .*ECONNREFUSED.*\. Check mail\.host, mail\.port and the network\.$/);
  });

  it.each([
    { fault: 'of another authority', names: 'IP:127.0.0.1', isCaKnown: false, days: 365 },
    { fault: 'for another name', names: 'DNS:mail.example.com', isCaKnown: true, days: 365 },
    { fault: 'that has expired', names: 'IP:127.0.0.1', isCaKnown: true, days: -1 },
  ])('advises on TLS where the certificate is one $fault', async ({ names, isCaKnown, days }) => {
    const authority = await createCertificateAuthority();
    try {
      const certificate = { ...(await authority.issue(names, days)), ca: authority.ca };
      server = await startMailServer({ tls: 'implicit', certificate });
      const { ca, ...rest } = server.settings;
      expect(await verdicts({ ...rest, ...(isCaKnown ? { ca } : {}) })).toMatch(
        /^problem .*certificate.*Check mail\.port, mail\.tls \(now implicit\), and mail\.ca/,
      );
    } finally {
      await authority.remove();
    }
  });

  it('sends a test mail in the language of the tenant', async () => {
    server = await startMailServer();
    const asked = { definition, to: 'operator@example.com', clock: systemClock };
    expect(await sendTestMail(server.settings, asked)).toMatchObject({ verdict: 'ok' });
    const [taken] = await server.mailsTo('operator@example.com');
    expect(taken).toMatchObject({
      subject: 'Testmail von Acme',
      from: { address: 'login@drawbridge.example' },
    });

    server.refuse = () => ({ code: 550, words: '5.7.1 not from here' });
    expect(await sendTestMail(server.settings, asked)).toMatchObject({
      verdict: 'problem',
      message: expect.stringContaining(': 550 5.7.1.'),
    });
    expect(await sendTestMail(server.settings, { ...asked, to: 'a@b, c@d' })).toMatchObject({
      verdict: 'problem',
    });
    expect(await sendTestMail(undefined, asked)).toMatchObject({ verdict: 'problem' });
  });
});
