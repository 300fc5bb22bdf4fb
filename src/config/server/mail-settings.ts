import { definedOnly } from '../../defined-only.ts';
import { isLoopbackHost } from '../../protocol/loopback.ts';
import type { SecretSources } from '../parsing/secrets.ts';
import { readTls } from '../parsing/tls-material.ts';
import type { ServerFile } from './server-schema.ts';

/** The mail server that mails go to. */
export interface MailSettings {
  readonly host: string;
  readonly port: number;
  /** `implicit`: TLS from the first byte; `starttls`: required before anything else; `none`: on loopback only. */
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly user?: string;
  readonly password?: string;
  /** PEM; absent: the certificates that Node trusts. */
  readonly ca?: string;
  /** The sender, where a tenant has none of its own. */
  readonly from: string;
  readonly connections: number;
  /** For each step: connection, greeting, answer to a command. */
  readonly timeoutMs: number;
}

export interface MailFault {
  readonly name: string;
  readonly message: string;
}

const ports = { implicit: 465, starttls: 587, none: 25 } as const;

/** `user` and `password` are resolved already. Without `host` there is no mail server, and `settings` is absent. */
export const readMailSettings = (
  file: ServerFile['mail'],
  secrets: { readonly user?: string | undefined; readonly password?: string | undefined },
  sources: SecretSources,
): { readonly settings?: MailSettings; readonly faults: readonly MailFault[] } => {
  const { host, from, tls } = file;
  const { user, password } = secrets;
  if (host === undefined) {
    const given = (['from', 'user', 'password', 'ca', 'port'] as const).filter(
      (key) => file[key] !== undefined,
    );
    const message = `is missing, but ${given.map((key) => `mail.${key}`).join(' and ')} is set; write the mail server's name, or remove the others`;
    return { faults: given.length === 0 ? [] : [{ name: 'mail.host', message }] };
  }
  const ca = readTls({ ca: file.ca }, { demo: false, sources });
  const faults: MailFault[] = [
    ...(from === undefined
      ? [
          {
            name: 'mail.from',
            message: 'is missing; write the address that mails come from, such as login@example.com',
          },
        ]
      : []),
    ...(tls === 'none' && !isLoopbackHost(host)
      ? [
          {
            name: 'mail.tls',
            message: `is none and ${host} is not a loopback address, so codes and links would cross the network in the clear; write starttls or implicit`,
          },
        ]
      : []),
    ...(file.user !== undefined && file.password === undefined
      ? [{ name: 'mail.password', message: 'is missing; a user needs it, as env:NAME or file:/path' }]
      : []),
    ...(file.user === undefined && file.password !== undefined
      ? [{ name: 'mail.user', message: 'is missing; a password needs it' }]
      : []),
    ...Object.entries(secrets)
      .filter(([, text]) => text !== undefined && /\p{Cc}/u.test(text))
      .map(([key]) => ({
        name: `mail.${key}`,
        message: 'holds a line end or another control character; write the text alone',
      })),
    ...(ca.ok ? [] : ca.faults.map(({ message }) => ({ name: 'mail.ca', message }))),
  ];
  if (faults.length > 0 || from === undefined) return { faults };
  return {
    settings: {
      host,
      port: file.port ?? ports[tls],
      tls,
      ...definedOnly({ user, password, ca: ca.ok ? ca.value.ca : undefined }),
      from,
      connections: file.connections,
      timeoutMs: file.timeout,
    },
    faults,
  };
};
