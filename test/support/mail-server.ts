// A mail server (SMTP) that keeps what it takes, parsed as a mail program reads it.
import { createServer } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { MailSettings } from '../../src/config/server/mail-settings.ts';
import { eventually } from './eventually.ts';

export interface TakenMail extends Email {
  /** From the envelope. */
  readonly recipients: readonly string[];
  readonly raw: string;
}

export interface MailServer {
  readonly settings: MailSettings;
  /** A test may empty it. */
  readonly taken: TakenMail[];
  /** What it does with a recipient; undefined: takes it. */
  refuse: ((recipient: string) => { readonly code: number; readonly words: string } | undefined) | undefined;
  /** What it does when it has a whole mail, beside taking it; `silence`: it does not answer. */
  answer: 'ok' | 'silence' | { readonly code: number; readonly words: string };
  /** The mails to an address, once there are so many. */
  mailsTo(address: string, count?: number): Promise<readonly TakenMail[]>;
  close(): Promise<void>;
}

export interface MailServerOptions {
  readonly port?: number;
  readonly tls?: MailSettings['tls'];
  readonly certificate?: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly login?: { readonly user: string; readonly password: string };
}

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }; // it listens on TCP
      probe.close(() => resolve(port));
    });
  });

export const startMailServer = async (options: MailServerOptions = {}): Promise<MailServer> => {
  const { tls = 'none', certificate, login } = options;
  const port = options.port ?? (await freePort());
  const taken: TakenMail[] = [];
  const serverOptions: SMTPServerOptions = {
    secure: tls === 'implicit',
    disabledCommands: [...(tls === 'starttls' ? [] : ['STARTTLS']), ...(login === undefined ? ['AUTH'] : [])],
    authOptional: login === undefined,
    ...(certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }),
    logger: false,
    closeTimeout: 100,
    onAuth: ({ username, password }, _session, done) =>
      username === login?.user && password === login?.password
        ? done(null, { user: username })
        : done(new Error('5.7.8 wrong user or password')),
    onRcptTo: ({ address }, _session, done) => {
      const refusal = server.refuse?.(address);
      if (refusal === undefined) return done();
      done(Object.assign(new Error(refusal.words), { responseCode: refusal.code }));
    },
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks);
        const recipients = envelope.rcptTo.map(({ address }) => address);
        void PostalMime.parse(raw).then((email) => {
          taken.push({ ...email, recipients, raw: raw.toString('latin1') });
          const { answer } = server;
          if (answer === 'silence') return;
          done(
            answer === 'ok' ? null : Object.assign(new Error(answer.words), { responseCode: answer.code }),
          );
        });
      });
    },
  };
  const smtp = new SMTPServer(serverOptions);
  smtp.on('error', () => {}); // of connections that tests break off
  await new Promise<void>((resolve) => smtp.listen(port, '127.0.0.1', resolve));
  const server: MailServer = {
    settings: {
      host: '127.0.0.1',
      port,
      tls,
      from: 'login@drawbridge.example',
      connections: 2,
      timeoutMs: 5000,
      ...(login === undefined ? {} : { user: login.user, password: login.password }),
      ...(certificate === undefined ? {} : { ca: certificate.ca }),
    },
    taken,
    refuse: undefined,
    answer: 'ok',
    mailsTo: async (address, count = 1) => {
      const found = () => taken.filter(({ recipients }) => recipients.includes(address));
      await eventually(`${count} mails to ${address}`, () => found().length >= count, 20_000);
      return found();
    },
    close: () => new Promise((resolve) => smtp.close(() => resolve())),
  };
  return server;
};
