import { createNotifyOfChange } from '../../src/accounts/account-notices.ts';
import { createAfterAnswer } from '../../src/accounts/after-answer.ts';
import { createEmailChanges, type EmailConfirmed } from '../../src/accounts/email-change.ts';
import { createEmailUndo, type EmailUndo, type EmailUndoParts } from '../../src/accounts/email-undo.ts';
import { createRemindOfUndo, type RemindOfUndo } from '../../src/accounts/email-undo-link.ts';
import { createFormerAddresses, type FormerAddresses } from '../../src/accounts/former-addresses.ts';
import { createFindKnown, type FindKnown } from '../../src/accounts/registration-link.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import { createVerifications, type Verifications } from '../../src/accounts/verifications.ts';
import type { NewMail } from '../../src/mail/tenant-mail.ts';
import type { AccountRecord, AccountRecords } from '../../src/storage/storage.ts';
import { localSource, type People } from './people.ts';

/** Changes of e-mail addresses at `acme`, and their undoing, on the store of these people. */
export interface EmailChangesOfPeople {
  /** Mails that have left, or that wait for a change. */
  readonly mails: NewMail[];
  /** Sources whose tokens were forgotten, as `sub source`. */
  readonly forgotten: string[];
  readonly findKnown: FindKnown;
  /** @returns the use of the link in the mail to the new address */
  begin(account: AccountRecord, email: string): Promise<() => Promise<EmailConfirmed>>;
  change(account: AccountRecord, email: string): Promise<EmailConfirmed>;
  readonly verifications: Verifications;
  readonly formerAddresses: FormerAddresses;
  readonly remindOfUndo: RemindOfUndo;
  undo(changes?: Partial<EmailUndoParts>): EmailUndo;
  /** The secret of the link in the last mail to this address. */
  linkTo(address: string): string;
}

const by = (sub: string) => ({ actor: sub, address: '192.0.2.1', requestId: 'r' });

export const emailChangesOf = (
  people: People,
  records: AccountRecords = people.tenant('acme').accounts,
): EmailChangesOfPeople => {
  const { artifacts, counters } = people.tenant('acme');
  const { clock, log } = people;
  const throttle = createThrottle(counters, clock);
  const afterAnswer = createAfterAnswer(log);
  const audit = people.audit('acme');
  const formerAddresses = createFormerAddresses({ artifacts, clock });
  const findKnown = createFindKnown({ records, formerAddresses, seed: async () => {} });
  const verifications = createVerifications({
    ...{ tenant: 'acme', artifacts, throttle, clock },
    sealingKey: Buffer.alloc(32, 5),
    codeKey: Buffer.alloc(32, 6),
  });
  const mails: NewMail[] = [];
  const forgotten: string[] = [];
  const changes = createEmailChanges({
    definition: { sources: [localSource] },
    issuer: 'https://login.example/oauth/acme',
    ...{ records, findKnown, formerAddresses, verifications, throttle, audit, clock, log },
    revocations: { publish: async () => {} },
    mail: { mode: 'smtp', send: async (mail) => void mails.push(mail) },
    notifyOfChange: createNotifyOfChange({
      mail: {
        hold: async (mail) => {
          mails.push(mail);
          return {
            release: async () => {},
            remove: async () => void mails.splice(mails.indexOf(mail), 1),
          };
        },
      },
      ...{ locale: 'en', clock, log },
    }),
    runAfterAnswer: afterAnswer.forTenant('acme'),
  });
  const linkTo = (address: string): string => {
    const link = mails.findLast(({ to }) => to === address)?.link;
    if (link === undefined) throw new Error(`no mail with a link to ${address}`);
    return new URL(link).searchParams.get('token') ?? '';
  };
  const begin: EmailChangesOfPeople['begin'] = async (account, email) => {
    const asked = { email, browser: 'b'.repeat(43), locale: 'en' } as const;
    const begun = await changes.begin(account, asked, by(account.sub));
    if (!begun.ok) throw new Error(begun.reason);
    await afterAnswer.idle();
    const link = linkTo(email);
    return () => changes.confirm(account, { link }, by(account.sub));
  };
  const issuer = 'https://login.example/oauth/acme';
  const send = async (mail: NewMail) => void mails.push(mail);
  return {
    ...{ mails, forgotten, findKnown, formerAddresses, verifications, linkTo },
    remindOfUndo: createRemindOfUndo({ issuer, verifications, mail: { send }, clock }),
    begin,
    change: async (account, email) => (await begin(account, email))(),
    undo: (other = {}) =>
      createEmailUndo({
        ...{ records, verifications, throttle, audit, clock, log },
        revocations: { endAccount: async () => {} },
        forgetTokens: async (sub, source) => void forgotten.push(`${sub} ${source}`),
        sources: ['local', 'corp'],
        ...other,
      }),
  };
};
