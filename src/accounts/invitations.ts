// Mails of an operator by which somebody makes an account. Groups and roles travel sealed with the proof of the address.
import type { Audit } from '../audit/audit.ts';
import type { Locale, RegistrationRules, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { hashId } from '../crypto/ids.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import { type FindKnown, newAccountUrl, registrationPurpose } from './registration-link.ts';
import { judgeInvitedAddress } from './registration-rules.ts';
import type { Verifications, Verified } from './verifications.ts';

export interface Invitation {
  /** As it was typed. */
  readonly email: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Of the mail. */
  readonly locale: Locale;
}

export type Invited =
  | { readonly ok: true; readonly email: string }
  /** `message` is for the operator. */
  | { readonly ok: false; readonly message: string };

export type SendInvitation = (invitation: Invitation) => Promise<Invited>;

export interface InvitationsParts {
  readonly definition: Pick<TenantDefinition, 'registration' | 'sources'>;
  readonly issuer: string;
  readonly findKnown: FindKnown;
  readonly verifications: Pick<Verifications, 'create'>;
  readonly mail: Pick<TenantMail, 'send'>;
  readonly audit: Audit;
  /** `cli`, or a sub. */
  readonly actor: string;
}

export const invitationSeconds = 7 * 24 * 3600;

/** Several invitations of one address are all good until the first is used: that ends the others. */
export const createInvitations =
  ({ definition, issuer, findKnown, verifications, mail, audit, actor }: InvitationsParts): SendInvitation =>
  async ({ email: typed, roles, groups, locale }) => {
    const judged = judgeInvitedAddress(typed, definition);
    if (!judged.ok)
      return {
        ok: false,
        message:
          judged.reason === 'elsewhere'
            ? `People of this domain sign in with ${judged.source}: its domains in the tenant's file name it.`
            : `${JSON.stringify(typed)} is not one plain e-mail address, such as name@example.com.`,
      };
    const { email } = judged;
    const known = await findKnown(email);
    if (known !== undefined)
      return { ok: false, message: `${known.username} (sub ${known.sub}) has this address already.` };
    await audit.noteBefore({
      ...{ action: 'registration.invite', actor, outcome: 'success' },
      reason: hashId(email).slice(0, 12),
    });
    const { link } = await verifications.create({
      ...{ purpose: registrationPurpose, address: email, seconds: invitationSeconds },
      about: { invited: JSON.stringify({ roles, groups } satisfies Granted) },
    });
    await mail.send({
      ...{ kind: 'invitation', to: email, locale, link: newAccountUrl(issuer, link) },
      linkSeconds: invitationSeconds,
    });
    return { ok: true, email };
  };

interface Granted {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

export const isInvited = ({ about }: Verified): boolean => about?.invited !== undefined;

/** What a new person gets: by the tenant's file, and by the invitation. */
export const grantedBy = ({ about }: Verified, rules: RegistrationRules | undefined): Granted => {
  const own = JSON.parse(about?.invited ?? '{}') as Partial<Granted>; // written above
  const both = (of: keyof Granted): readonly string[] => [
    ...new Set([...(rules?.[of] ?? []), ...(own[of] ?? [])]),
  ];
  return { roles: both('roles'), groups: both('groups') };
};
