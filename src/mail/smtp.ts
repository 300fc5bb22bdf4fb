import { setTimeout as delay } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import type { MailSettings } from '../config/server/mail-settings.ts';
import { definedOnly } from '../defined-only.ts';
import type { Outcome } from '../outbox/outbox.ts';
import { logoContentId, type MailLogo } from './mail-logo.ts';

export interface MailMessage {
  /** Unique, and the same for each attempt: a mail server can see that it has the mail already. */
  readonly messageId: string;
  readonly from: { readonly name: string; readonly address: string };
  readonly replyTo?: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly logo?: MailLogo;
  readonly date: Date;
}

export interface Smtp {
  /** One attempt; never rejects. It is given up when `closing` aborts, or after `attemptMs`. */
  send(message: MailMessage, closing: AbortSignal): Promise<Outcome>;
  /** Connects and signs in. @throws what the connection failed with */
  verify(): Promise<void>;
  close(): void;
}

/** The longest that an attempt takes. */
export const attemptMs = 60_000;

/** Opens connections as they are needed. */
export const openSmtp = (settings: MailSettings): Smtp => {
  const { host, port, tls, user, password, ca, connections, timeoutMs } = settings;
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { minVersion: 'TLSv1.2', ...definedOnly({ ca }) },
    ...(user === undefined || password === undefined ? {} : { auth: { user, pass: password } }),
    pool: true,
    maxConnections: connections,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    // a text can never make the server read a file or fetch an address
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    send: async ({ messageId, from, replyTo, to, logo, ...message }, closing) => {
      const sent = transport.sendMail({
        ...message,
        messageId,
        from: { ...from },
        ...definedOnly({ replyTo }),
        to: { name: '', address: to },
        envelope: { from: from.address, to: [to] },
        ...(logo === undefined ? {} : { attachments: [inlinePicture(logo)] }),
        // RFC 3834 section 5: nobody answers it with a note of absence
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      });
      const ended = new AbortController();
      try {
        const limit = AbortSignal.any([closing, ended.signal]);
        const late = delay(attemptMs, undefined, { signal: limit, ref: false }).then(
          () => 'late' as const,
          () => 'late' as const,
        );
        const outcome = await Promise.race([sent.then(() => 'sent' as const), late]);
        return outcome === 'sent'
          ? { state: 'delivered', words: '250' }
          : { state: 'pending', words: 'timeout' };
      } catch (error) {
        return outcomeOf(error);
      } finally {
        ended.abort();
        sent.catch(() => {}); // of an attempt that was given up
      }
    },
    verify: async () => {
      await transport.verify();
    },
    close: () => transport.close(),
  };
};

/** Without a name, so that mail programs do not list it as a file. */
const inlinePicture = (logo: MailLogo) =>
  ({ ...logo, cid: logoContentId, contentDisposition: 'inline', filename: false }) as const;

/** What nodemailer rejects with. */
interface SmtpFailure {
  /** `ESOCKET`, `EAUTH` and so on. */
  readonly code?: string;
  /** Of the system error below it, such as `ECONNREFUSED`. */
  readonly originalCode?: string;
  readonly responseCode?: number;
  readonly response?: string;
  readonly command?: string;
}

/** The most exact code of what an attempt, or `verify`, failed with. */
export const codeOfFailure = (error: unknown): string | undefined => {
  const { code, originalCode } = error as SmtpFailure;
  return originalCode ?? code;
};

/** The commands that are about this mail; what the server says to others is about the connection. */
const ofTheMail: ReadonlySet<string> = new Set(['MAIL FROM', 'RCPT TO', 'DATA']);
/** RFC 4954 section 6: it wants a password, or TLS before it. */
const authenticationRequired = 530;

/**
 * RFC 5321 section 4.2.1: 4yz may be repeated, 5yz must not. A refused password or greeting is the operator's to mend, and
 * the mail waits for it.
 */
export const outcomeOf = (error: unknown): Outcome => {
  const { responseCode, response, command } = error as SmtpFailure;
  const code = codeOfFailure(error);
  if (responseCode === undefined) return { state: 'pending', words: codeWord(code) };
  const isOfTheMail = ofTheMail.has(command ?? '') && responseCode !== authenticationRequired;
  // the rest of the answer may hold the address (RFC 3463: the enhanced code does not)
  const [, enhanced] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '') ?? [];
  const about = isOfTheMail ? [] : [codeWord(code)];
  return {
    state: isOfTheMail && responseCode >= 500 ? 'failed' : 'pending',
    words: [...about, `${responseCode}`, ...(enhanced === undefined ? [] : [enhanced])].join(' '),
  };
};

const codeWord = (code: string | undefined): string =>
  /^[A-Z][A-Z\d_]{0,59}$/.test(code ?? '') ? `${code}` : 'unknown';
