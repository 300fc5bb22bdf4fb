import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import type { MailSettings } from '../../src/config/server/mail-settings.ts';
import type { TenantDefinition } from '../../src/config/tenant/tenant-definition.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { composeMail } from '../../src/mail/compose-mail.ts';
import { mailKinds } from '../../src/mail/mail-content.ts';
import { openMailTexts } from '../../src/mail/mail-texts.ts';
import { type Mail, openMail } from '../../src/mail/open-mail.ts';
import { openSmtp } from '../../src/mail/smtp.ts';
import type { NewMail } from '../../src/mail/tenant-mail.ts';
import { packageRoot } from '../../src/package-root.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { startChild } from '../support/child.ts';
import { dumpStore } from '../support/dump-store.ts';
import { eventually } from '../support/eventually.ts';
import { freePort, type MailServer, startMailServer } from '../support/mail-server.ts';
import { createCertificateAuthority } from '../support/slapd-certificates.ts';
import { describeOnce, eachStore, type OpenedStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';

const define = (text: string): TenantDefinition => {
  const loaded = loadTenant({ id: 'acme', path: 'acme.yaml', text, env: {} });
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  return loaded.definition;
};

const acmeText = `displayName: Äcme & Söhne
branding: { color: "#ffd400" }
mail: { from: login@acme.example, replyTo: help@acme.example }`;
const acme = define(acmeText);

const linked: NewMail = {
  kind: 'test',
  to: 'alice@example.com',
  locale: 'en',
  sub: 'sub-of-alice',
  link: 'https://login.example.com/oauth/acme/reset?token=the-secret-of-the-link',
  code: '83920571',
  linkSeconds: 1800,
  codeSeconds: 600,
};

const secretKey = 'a master key of this test alone, 0123456789';
const viewsDirectory = join(packageRoot(), 'views');

eachStore((store) => {
  let opened: OpenedStore;
  let storage: Storage;
  let server: MailServer | undefined;
  const lines: string[] = [];
  const open: Mail[] = [];

  beforeEach(async () => {
    opened = await store.open();
    lines.length = 0;
    const log = pino({ enabled: false });
    storage = await openStorage({ url: opened.url, clock: systemClock, log });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((mail) => mail.close()));
    await server?.close();
    server = undefined;
    await storage.close();
    await opened.cleanup();
  });

  const openMails = (settings: MailSettings | undefined, clock = systemClock): Mail => {
    const mail = openMail({
      ...{ settings, storage, viewsDirectory, clock },
      masterKey: createMasterKey(secretKey),
      log: pino({ level: 'debug' }, { write: (line: string) => lines.push(line) }),
    });
    open.push(mail);
    return mail;
  };
  const openWith = (settings: MailSettings | undefined, served = true): Mail => {
    const mail = openMails(settings);
    mail.deliver(() => Promise.resolve(served ? acme : undefined));
    return mail;
  };
  const records = () => storage.forTenant('acme').mails.list({ limit: 100 });
  const settled = async (count = 1, withinMs = 10_000) => {
    const isDone = async () => (await records()).filter(({ state }) => state !== 'pending').length >= count;
    await eventually('the mails are settled', isDone, withinMs);
    return records();
  };

  it('delivers a mail in the look of its tenant, and keeps nothing of it', async () => {
    server = await startMailServer();
    const mail = openWith(server.settings).forTenant(acme);
    await mail.send(linked);
    const [taken] = await server.mailsTo('alice@example.com');
    expect(taken).toMatchObject({
      from: { name: 'Äcme & Söhne', address: 'login@acme.example' },
      to: [{ address: 'alice@example.com' }],
      replyTo: [{ address: 'help@acme.example' }],
      subject: 'Test mail from Äcme & Söhne',
      recipients: ['alice@example.com'],
      messageId: expect.stringMatching(/^<[\w-]+@acme\.example>$/),
    });
    expect(taken?.headers).toContainEqual(
      expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }),
    );
    for (const form of [taken?.text, taken?.html]) {
      expect(form).toContain(linked.link);
      expect(form).toContain(linked.code);
      expect(form).toContain('30 minutes');
      expect(form).toContain('10 minutes');
    }
    expect(taken?.html).toContain('Äcme &amp; Söhne');
    expect(taken?.html).toContain('background-color:#ffd400;color:#000000');
    expect(taken?.html).not.toMatch(/<img|<script|<link|url\(|src=/);
    expect(taken?.text).not.toContain('&amp;');
    // RFC 3676 section 4.3: programs take what follows for a signature
    expect(taken?.text).toMatch(
      /\n-- \nThis mail was sent by Äcme & Söhne\. Answers go to help@acme\.example\.\s*$/,
    );
    // RFC 5322 section 2.1.1
    expect(Math.max(...(taken?.raw ?? '').split('\r\n').map(({ length }) => length))).toBeLessThan(79);
    const [record] = await settled();
    expect(record).toMatchObject({
      purpose: 'test',
      sub: 'sub-of-alice',
      address: 'a…@example.com',
      state: 'delivered',
      attempts: 1,
      lastOutcome: '250',
    });
    expect(record?.content).toBeUndefined();
  });

  it('writes no code, link or address to the store or the log', async () => {
    const port = await freePort();
    const settings: MailSettings = {
      ...{ host: '127.0.0.1', port, tls: 'none', from: 'a@example.com' },
      ...{ connections: 2, timeoutMs: 1000 },
    };
    await openWith(settings).forTenant(acme).send(linked);
    await eventually('an attempt', async () => (await records())[0]?.lastOutcome !== undefined, 20_000);
    const dump = await dumpStore(opened.url);
    expect(dump).toContain('sub-of-alice');
    const isLogged = () => lines.join('').includes('a mail could not be delivered yet');
    await eventually('the line in the log', isLogged, 10_000);
    for (const secret of ['the-secret-of-the-link', '83920571', 'alice@example.com']) {
      expect(dump).not.toContain(secret);
      expect(lines.join('')).not.toContain(secret);
    }
  });

  it('sends no mail whose link and code are over by then', async () => {
    server = await startMailServer();
    const writeBefore = (seconds: number, mail: NewMail): Promise<void> =>
      openMails(server?.settings, { now: () => systemClock.now() - seconds * 1000 })
        .forTenant(acme)
        .send(mail);
    const { link: _link, linkSeconds: _seconds, ...withCode } = linked;
    await writeBefore(1801, { ...linked, to: 'both-over@example.com' });
    await writeBefore(1201, { ...linked, to: 'code-over@example.com' });
    await writeBefore(601, { ...withCode, to: 'only-code-over@example.com' });
    await writeBefore(7200, { kind: 'test', locale: 'en', to: 'no-secret@example.com' });
    openWith(server.settings);
    const outcomes = (await settled(4)).map(({ state, lastOutcome }) => `${state} ${lastOutcome}`);
    expect(outcomes.toSorted()).toEqual([
      ...['delivered 250', 'delivered 250'],
      ...['failed too_late', 'failed too_late'],
    ]);
    expect(server.taken.flatMap(({ recipients }) => recipients).toSorted()).toEqual([
      'code-over@example.com',
      'no-secret@example.com',
    ]);
  });

  it('sends a mail once the mail server is there again', async () => {
    const port = await freePort();
    const settings: MailSettings = {
      ...{ host: '127.0.0.1', port, tls: 'none', from: 'a@example.com' },
      ...{ connections: 2, timeoutMs: 1000 },
    };
    await openWith(settings).forTenant(acme).send(linked);
    await eventually('an attempt', async () => (await records())[0]?.lastOutcome !== undefined, 20_000);
    expect((await records())[0]).toMatchObject({ state: 'pending', lastOutcome: 'ECONNREFUSED' });
    server = await startMailServer({ port });
    await server.mailsTo('alice@example.com');
    expect(await settled()).toMatchObject([{ state: 'delivered' }]);
  });

  it('sends each mail once from two instances', async () => {
    server = await startMailServer();
    const [one, other] = [openWith(server.settings), openWith(server.settings)];
    const writers = [one.forTenant(acme), other.forTenant(acme)];
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        writers[n % 2]?.send({ ...linked, to: `person-${n}@example.com` }),
      ),
    );
    const all = await settled(20);
    expect(all.map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(Array(20).fill('delivered 1'));
    expect(new Set(server.taken.flatMap(({ recipients }) => recipients)).size).toBe(20);
    expect(server.taken).toHaveLength(20);
  });

  it('sends what a process was about to send when it was killed, with the same Message-ID', async () => {
    server = await startMailServer();
    server.answer = 'silence';
    const given = [server.settings, linked].map((one) => JSON.stringify(one));
    const child = startChild('./mail-child.ts', [opened.url, secretKey, acmeText, ...given]);
    await server.mailsTo(linked.to);
    child.process.kill('SIGKILL');
    await child.exited;
    server.answer = 'ok';
    // nobody takes it while the process that is gone may be sending it
    const early = openMails(server.settings, { now: () => systemClock.now() + 110_000 });
    early.deliver(() => Promise.resolve(acme));
    await early.forTenant(acme).send({ ...linked, to: 'another@example.com' });
    await settled();
    expect((await records()).find(({ state }) => state === 'pending')).toMatchObject({ attempts: 1 });
    openMails(server.settings, { now: () => systemClock.now() + 121_000 }).deliver(() =>
      Promise.resolve(acme),
    );
    const [first, second] = await server.mailsTo(linked.to, 2);
    expect((await settled(2)).map(({ state, attempts }) => `${state} ${attempts}`).toSorted()).toEqual([
      'delivered 1',
      'delivered 2',
    ]);
    expect(second?.text).toContain(linked.link);
    expect(second?.messageId).toBe(first?.messageId);
  });

  it('keeps a mail back until its change is done, or takes it back', async () => {
    server = await startMailServer();
    const mail = openWith(server.settings).forTenant(acme);
    const undone = await mail.hold({ ...linked, to: 'undone@example.com' });
    const done = await mail.hold({ ...linked, to: 'done@example.com' });
    await undone.remove();
    await done.release();
    await server.mailsTo('done@example.com');
    await settled();
    expect(server.taken).toHaveLength(1);
    expect(await records()).toHaveLength(1);
  });

  describeOnce(store, 'whatever the store', () => {
    it('ends at a refusal for good, and repeats after one for now', async () => {
      server = await startMailServer();
      let asked = 0;
      server.refuse = (recipient) => {
        if (recipient.startsWith('nobody')) return { code: 550, words: '5.1.1 no nobody@example.com here' };
        asked += 1;
        return asked === 1 ? { code: 451, words: '4.7.1 come again, busy@example.com' } : undefined;
      };
      const mail = openWith(server.settings).forTenant(acme);
      await mail.send({ ...linked, to: 'nobody@example.com' });
      await mail.send({ ...linked, to: 'busy@example.com' });
      // the pause of a second holds, though the other mail asked for a look before
      const all = await settled(2);
      expect(all.find(({ state }) => state === 'failed')).toMatchObject({
        attempts: 1,
        lastOutcome: '550 5.1.1',
        address: 'n…@example.com',
      });
      expect(all.find(({ state }) => state === 'delivered')).toMatchObject({ attempts: 2 });
      expect(all.every(({ content }) => content === undefined)).toBe(true);
      expect(lines.join('')).toContain('451 4.7.1');
      expect(lines.join('')).not.toMatch(/@example/);
    });

    it('ends where the mail itself is refused for good, and after a day of attempts', async () => {
      server = await startMailServer();
      server.answer = { code: 554, words: '5.7.1 no mail with 83920571' };
      await openWith(server.settings).forTenant(acme).send(linked);
      expect(await settled()).toMatchObject([{ state: 'failed', attempts: 1, lastOutcome: '554 5.7.1' }]);
      server.answer = { code: 452, words: '4.3.1 no space' };
      const before = { now: () => systemClock.now() - 86_401_000 };
      await openMails(server.settings, before)
        .forTenant(acme)
        .send({ kind: 'test', to: 'old@example.com', locale: 'en' });
      openWith(server.settings);
      const [old] = (await settled(2)).filter(({ address }) => address.startsWith('o'));
      expect(old).toMatchObject({ state: 'failed', lastOutcome: '452 4.3.1' });
      expect(old?.content).toBeUndefined();
      expect(lines.join('')).toContain('a mail will not be delivered');
      expect(lines.join('')).not.toContain('83920571');
    });

    it('loses no mail while the mail server is away for ten minutes', async () => {
      const port = await freePort();
      const clock = createTestClock(Date.now());
      const settings: MailSettings = {
        ...{ host: '127.0.0.1', port, tls: 'none', from: 'a@example.com' },
        ...{ connections: 2, timeoutMs: 1000 },
      };
      const mail = openMails(settings, clock);
      mail.deliver(() => Promise.resolve(acme));
      const people = ['zero', 'three', 'six', 'nine'].map((minute) => `minute-${minute}@example.com`);
      for (const to of people) {
        await mail.forTenant(acme).send({ ...linked, to });
        const isTried = async () => (await records()).every(({ lastOutcome }) => lastOutcome !== undefined);
        await eventually('an attempt', isTried, 20_000);
        clock.advance(180_000);
      }
      expect((await records()).map(({ state }) => state)).toEqual(Array(4).fill('pending'));
      server = await startMailServer({ port });
      clock.advance(600_000); // the longest pause until then
      expect((await settled(4)).map(({ state }) => state)).toEqual(Array(4).fill('delivered'));
      expect(server.taken.flatMap(({ recipients }) => recipients).toSorted()).toEqual(people.toSorted());
    });

    it('gives up an attempt at a mail server that says nothing, and makes another', async () => {
      server = await startMailServer();
      server.answer = 'silence';
      await openWith({ ...server.settings, timeoutMs: 300 })
        .forTenant(acme)
        .send(linked);
      await eventually('an attempt', async () => (await records())[0]?.lastOutcome !== undefined, 20_000);
      expect((await records())[0]).toMatchObject({ state: 'pending', lastOutcome: 'ETIMEDOUT' });
      server.answer = 'ok';
      expect(await settled()).toMatchObject([{ state: 'delivered', lastOutcome: '250' }]);

      const silent = createServer().listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const { port } = silent.address() as AddressInfo; // it listens on TCP
      await openWith({ ...server.settings, port, timeoutMs: 300 })
        .forTenant(acme)
        .send({ ...linked, to: 'bob@example.com' });
      const isTried = async () => (await records()).some(({ lastOutcome }) => lastOutcome === 'ETIMEDOUT');
      await eventually('an attempt at the other', isTried, 20_000);
      silent.close();
    });

    it('waits for a tenant that is not served now', async () => {
      server = await startMailServer();
      await openWith(server.settings, false).forTenant(acme).send(linked);
      await eventually('an attempt', async () => (await records())[0]?.lastOutcome !== undefined, 20_000);
      expect((await records())[0]).toMatchObject({ state: 'pending', lastOutcome: 'tenant_not_served' });
      expect(server.taken).toEqual([]);
    });

    it.each(['implicit', 'starttls'] as const)('uses TLS (%s), with password and CA', async (tls) => {
      const authority = await createCertificateAuthority();
      try {
        const certificate = { ...(await authority.issue('IP:127.0.0.1')), ca: authority.ca };
        const login = { user: 'drawbridge', password: 'secret of the mail server' };
        server = await startMailServer({ tls, certificate, login });
        await openWith(server.settings).forTenant(acme).send(linked);
        await server.mailsTo('alice@example.com');

        // a wrong password is the operator's to mend: the mail waits
        const wrong = openWith({ ...server.settings, password: 'wrong' }).forTenant(acme);
        await settled();
        await Promise.all(open.splice(0, 1).map((mail) => mail.close()));
        await wrong.send({ ...linked, to: 'bob@example.com' });
        await eventually('an attempt', async () => (await records())[0]?.lastOutcome !== undefined, 20_000);
        expect((await records())[0]).toMatchObject({ state: 'pending', lastOutcome: 'EAUTH 535 5.7.8' });
        expect(lines.join('')).not.toContain('secret of the mail server');
      } finally {
        await authority.remove();
      }
    });

    it('sends nothing to a server that offers no TLS, or whose certificate is of another CA', async () => {
      const authority = await createCertificateAuthority();
      try {
        server = await startMailServer();
        const plain: MailSettings = { ...server.settings, tls: 'starttls' };
        await openWith(plain).forTenant(acme).send(linked);
        await eventually('an attempt', async () => (await records())[0]?.lastOutcome !== undefined, 20_000);
        expect((await records())[0]).toMatchObject({
          state: 'pending',
          lastOutcome: expect.stringMatching(/^ETLS/),
        });
        await Promise.all(open.splice(0).map((mail) => mail.close()));
        await storage.purgeTenant('acme');

        await server.close();
        const certificate = { ...(await authority.issue('IP:127.0.0.1')), ca: authority.ca };
        server = await startMailServer({ tls: 'implicit', certificate });
        const { ca: _, ...withoutCa } = server.settings;
        await openWith(withoutCa).forTenant(acme).send(linked);
        await eventually('an attempt', async () => (await records())[0]?.lastOutcome !== undefined, 20_000);
        expect((await records())[0]?.state).toBe('pending');
        expect((await records())[0]?.lastOutcome).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
        expect(server.taken).toEqual([]);
      } finally {
        await authority.remove();
      }
    });

    it.each(['a@example.com\r\nBcc: b@example.com', 'a@example.com, b@example.com', 'A <a@example.com>', ''])(
      'writes to no address that is two, or a header: %j',
      async (to) => {
        server = await startMailServer();
        const mail = openWith(server.settings).forTenant(acme);
        await expect(mail.send({ ...linked, to })).rejects.toMatchObject({ code: 'invalid_request' });
        expect(await records()).toEqual([]);
      },
    );

    it('lets no name become a header', async () => {
      server = await startMailServer();
      const smtp = openSmtp(server.settings);
      const definition = { ...acme, displayName: 'Acme\r\nBcc: evil@example.com\r\n\r\n<b>' };
      const message = composeMail({
        ...{ content: linked, definition, from: 'a@example.com', id: 'an-id', createdAt: 0 },
        writeText: openMailTexts({ viewsDirectory, clock: systemClock }),
      });
      await smtp.send(message, new AbortController().signal);
      smtp.close();
      const [taken] = await server.mailsTo('alice@example.com');
      expect(taken?.bcc).toBeUndefined();
      expect(taken?.recipients).toEqual(['alice@example.com']);
      expect(taken?.headers.map(({ key }) => key)).not.toContain('bcc');
      expect(taken?.html).not.toContain('<b>');
    });

    it('carries the logo of the tenant in itself, if mail programs show its kind', async () => {
      server = await startMailServer();
      const smtp = openSmtp(server.settings);
      const writeText = openMailTexts({ viewsDirectory, clock: systemClock });
      const picture = Buffer.from('what is in a file, with a NUL \0');
      const logos = ['image/png', 'image/svg+xml'].map(
        (type) => `data:${type};base64,${picture.toString('base64')}`,
      );
      for (const logo of [...logos, 'https://cdn.example.com/logo.png']) {
        const definition = { ...acme, branding: { ...acme.branding, logo } };
        const place = { from: 'a@example.com', id: 'an-id', createdAt: 0 };
        const message = composeMail({ content: linked, definition, writeText, ...place });
        await smtp.send(message, new AbortController().signal);
      }
      smtp.close();
      const [own, ...others] = await server.mailsTo(linked.to, 3);
      expect(own?.attachments).toMatchObject([
        { mimeType: 'image/png', disposition: 'inline', contentId: '<logo@mail>', related: true },
      ]);
      expect(Buffer.from(own?.attachments[0]?.content as ArrayBuffer)).toEqual(picture);
      expect(own?.html?.match(/src="[^"]*"/g)).toEqual(['src="cid:logo@mail"']);
      expect(own?.text).toContain(linked.link);
      for (const other of others) {
        expect(other.attachments).toEqual([]);
        expect(other.html).not.toMatch(/<img|cdn/);
      }
    });

    it.each(['en', 'de'] as const)('puts each value into each mail as text (%s)', (locale) => {
      const writeText = openMailTexts({ viewsDirectory, clock: systemClock });
      const hostile = '<i title="x">&{{code}} $t(mail.foot)';
      const escaped = '&lt;i title=&quot;x&quot;&gt;&amp;{{code}} $t(mail.foot)';
      const names = ['username', 'factor', 'key', 'next', 'email', 'sources', 'recoverUrl'];
      const tenants = [acme, { ...acme, displayName: hostile }];
      const { mail: _, ...silent } = { ...acme, branding: { ...acme.branding, support: hostile } };
      for (const kind of mailKinds) {
        const values = Object.fromEntries(names.map((name) => [name, hostile]));
        const content = { ...linked, kind, locale, values, momentMs: 0, link: `${linked.link}"><i>` };
        for (const tenant of [...tenants, silent]) {
          const { subject, text, html } = writeText(content, tenant);
          expect(html).not.toContain('<i');
          for (const form of [subject, text, html.replaceAll(escaped, '')].map((one) =>
            one.replaceAll(hostile, ''),
          ))
            expect(form).not.toMatch(/\{\{|\$t\(/);
        }
        expect(writeText(content, silent).text).toContain(hostile);
        expect(writeText(content, acme).text).toContain('help@acme.example');
        expect(writeText(content, acme).html).toContain('help@acme.example');
      }
    });

    it('shows the mails of a demo tenant instead, where there is no mail server', async () => {
      const demo = { ...acme, demo: true };
      const mail = openWith(undefined);
      await mail.forTenant(demo).send(linked);
      const [shown] = await mail.forTenant(demo).shown(10);
      expect(shown).toMatchObject({
        to: 'alice@example.com',
        link: linked.link,
        subject: 'Test mail from Äcme & Söhne',
      });
      expect(await records()).toMatchObject([{ state: 'kept', attempts: 0 }]);
      expect(await dumpStore(opened.url)).not.toContain('the-secret-of-the-link');

      const real = mail.forTenant(acme);
      expect(real.mode).toBe('none');
      await real.send(linked);
      await (await real.hold(linked)).release();
      expect(await real.shown(10)).toEqual([]);
      expect(await records()).toHaveLength(1);
    });

    it('goes with its account and its tenant', async () => {
      const mail = openWith(undefined).forTenant({ ...acme, demo: true });
      await mail.send(linked);
      await mail.send({ ...linked, sub: 'another' });
      await storage.purgeAccount('acme', 'sub-of-alice');
      expect((await records()).map(({ sub }) => sub)).toEqual(['another']);
      await storage.purgeTenant('acme');
      expect(await records()).toEqual([]);
    });
  });
});
