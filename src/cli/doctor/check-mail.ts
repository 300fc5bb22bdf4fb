import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import type { MailSettings } from '../../config/server/mail-settings.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { tlsFaultOf } from '../../connectors/tls-fault.ts';
import { randomId } from '../../crypto/ids.ts';
import { composeMail } from '../../mail/compose-mail.ts';
import { isOneAddress } from '../../mail/mail-content.ts';
import { openMailTexts } from '../../mail/mail-texts.ts';
import { codeOfFailure, openSmtp } from '../../mail/smtp.ts';
import { packageRoot } from '../../package-root.ts';
import { type Finding, ok, problem } from './finding.ts';

const about = 'mail';
const noServer = 'There is no mail server. To send mails, set mail.host and mail.from (docs/mail.md).';

/** Connects to the mail server and signs in there. */
export const checkMail = async (settings: MailSettings | undefined): Promise<readonly Finding[]> => {
  if (settings === undefined) return [ok(about, noServer)];
  const place = placeOf(settings);
  const smtp = openSmtp(settings);
  try {
    await smtp.verify();
    return [ok(about, `${place} takes mails${settings.user === undefined ? '' : ' and the password'}`)];
  } catch (error) {
    const { message } = error as Error; // what nodemailer rejects with
    const advice = adviceFor(codeOfFailure(error), settings);
    return [problem(about, `${place} takes no mails: ${firstLine(message)}. ${advice}`)];
  } finally {
    smtp.close();
  }
};

export interface TestMail {
  readonly definition: TenantDefinition;
  readonly to: string;
  readonly clock: Clock;
}

/** Sends a mail as the tenant sends them, at once and not through the outbox. */
export const sendTestMail = async (
  settings: MailSettings | undefined,
  { definition, to, clock }: TestMail,
): Promise<Finding> => {
  if (settings === undefined) return problem(about, noServer);
  if (!isOneAddress(to)) return problem(about, `${JSON.stringify(to)} is not one plain e-mail address.`);
  const smtp = openSmtp(settings);
  try {
    const message = composeMail({
      content: { kind: 'test', to, locale: definition.locale },
      definition,
      from: settings.from,
      writeText: openMailTexts({ viewsDirectory: join(packageRoot(), 'views'), clock }),
      id: randomId(12),
      createdAt: clock.now(),
    });
    const { state, words } = await smtp.send(message, new AbortController().signal);
    return state === 'delivered'
      ? ok(
          about,
          `${placeOf(settings)} took a test mail from ${message.from.address} to ${to}. Look whether it arrives.`,
        )
      : problem(
          about,
          `${placeOf(settings)} did not take a test mail from ${message.from.address} to ${to}: ${words}.`,
        );
  } finally {
    smtp.close();
  }
};

const placeOf = ({ host, port }: MailSettings): string => `${host}:${port}`;

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').replace(/\.$/, '');

const adviceFor = (code: string | undefined, { tls }: MailSettings): string => {
  if (code === 'EAUTH') return 'Check mail.user and mail.password.';
  return isOfTls(code)
    ? `Check mail.port, mail.tls (now ${tls}), and mail.ca if the server's certificate is from a CA of your own.`
    : 'Check mail.host, mail.port and the network.';
};

/** Node says EPROTO where the answer of the server is no TLS. */
const isOfTls = (code: string | undefined): boolean =>
  code === 'ETLS' || code === 'EPROTO' || tlsFaultOf({ code }) !== undefined;
