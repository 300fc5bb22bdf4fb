// The answers to sign-ins on an app's own page.
import type { Context } from 'koa';
import { z } from 'zod';
import type { DisclosedRefusal } from '../../accounts/account-types.ts';
import { AppError } from '../../errors.ts';
import type { LoginOutcome } from '../../oidc/direct-login/direct-login.ts';
import type { EmailSessionOutcome } from '../../oidc/direct-login/email-sessions.ts';
import { problemSchema } from '../../web/api/api-schemas.ts';
import { type DescribedRefusal, OperationRefusal } from '../../web/api/described-operation.ts';
import type { ApiTenant } from './operation.ts';

export const tokenSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().min(0).meta({ description: 'Seconds.' }),
    scope: z.string(),
  })
  .meta({ id: 'LoginToken' });

const mfaProblemSchema = problemSchema
  .extend({
    mfa_token: z
      .string()
      .optional()
      .meta({ description: 'With `mfa_required`: good for five minutes, once.' }),
    methods: z.array(z.string()).optional(),
  })
  .meta({ id: 'LoginProblem' });

export const loginRefusals: Readonly<Record<number, DescribedRefusal>> = {
  401: {
    description:
      'The name or the password is wrong (`invalid_credentials`), a second factor is needed (`mfa_required`), its code is wrong (`invalid_otp`), the `mfa_token` or the `client_secret` is not valid (`invalid_mfa_token`, `invalid_client`).',
    schema: mfaProblemSchema,
  },
  403: 'The client may not do this (`unauthorized_client`), or the person has to use a browser, or may not sign in.',
  404: 'No client of this tenant may do this.',
  429: 'Too many attempts; try again after Retry-After seconds.',
};

export const loginRefusal = (
  ctx: Context,
  { provider }: ApiTenant,
  outcome: Exclude<LoginOutcome | EmailSessionOutcome, { readonly ok: true }>,
): Error => {
  const unauthorized = (code: string, description: string, members: object = {}): Error => {
    ctx.set('WWW-Authenticate', `Bearer realm="${provider.issuer}"`); // RFC 9110 section 11.6.1: required
    return new OperationRefusal(401, { code, description, ...members });
  };
  switch (outcome.reason) {
    case 'throttled':
      return new AppError('throttled', 'Too many attempts. Please try again later.', {
        retryAfterSeconds: outcome.retryAfterSeconds,
      });
    case 'credentials':
      return unauthorized('invalid_credentials', 'The name or the password is wrong');
    case 'code':
      return unauthorized('invalid_code', 'The code is wrong, has expired, or was used already');
    case 'invalid_otp':
      return unauthorized('invalid_otp', 'The code is wrong, or was used already');
    case 'mfa_token':
      return unauthorized('invalid_mfa_token', 'The mfa_token is not valid, or has expired');
    case 'mfa_required':
      return unauthorized('mfa_required', 'A second factor is needed: send otp with the mfa_token', {
        mfa_token: outcome.mfaToken,
        methods: [...outcome.methods],
      });
    default:
      return new OperationRefusal(403, { code: outcome.reason, description: obstacles[outcome.reason] });
  }
};

const obstacles: Readonly<Record<DisclosedRefusal | 'mfa_enrolment_required' | 'passkey_required', string>> =
  {
    passkey_required: 'The second factor is a passkey, which works in a browser only',
    mfa_enrolment_required: 'A second factor has to be set up first, in a browser',
    password_change_required: 'The password must be changed before it can be used, in a browser',
    password_expired: 'The password has expired; it can be changed in a browser',
    account_disabled: 'The account is disabled',
    account_locked: 'The account is locked',
    hours_restricted: 'The account may not be used at this time',
    workstation_restricted: 'The account may be used at certain computers only',
  };
