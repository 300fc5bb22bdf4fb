// Sign-in on an app's own page, in one request, and its end.
import type { Context } from 'koa';
import { z } from 'zod';
import type { DisclosedRefusal } from '../../accounts/account-types.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { LoginOutcome, LoginProof } from '../../oidc/direct-login/direct-login.ts';
import { findClient } from '../../oidc/provider/clients.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { readToken } from '../bearer.ts';
import { shareWith } from '../cross-origin.ts';
import { problemSchema } from './api-schemas.ts';
import { getDirectClient } from './direct-client.ts';
import { type ApiTenant, definePublicOperation, OperationRefusal } from './operation.ts';

const text = z.string().min(1);

const loginSchema = z.strictObject({
  client_id: text,
  client_secret: text.optional().meta({ description: 'Of a confidential client.' }),
  username: text.optional(),
  password: text.optional(),
  otp: text.optional().meta({ description: 'A code of an authenticator app, or a recovery code.' }),
  mfa_token: text.optional().meta({
    description: 'In place of username and password, with `otp`: of the answer `mfa_required`.',
  }),
  scope: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: 'Built-in scopes, separated by spaces. Default: `openid account`.' }),
});

const tokenSchema = z
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

export const logIn = definePublicOperation({
  id: 'logIn',
  method: 'POST',
  path: '/login',
  summary: 'Sign in with name and password, on a page of the app',
  description:
    'For clients with `directLogin: true`. The token has a session of its own, which lives as long.',
  body: loginSchema,
  answer: { description: 'An opaque access token.', schema: tokenSchema },
  refusals: {
    401: {
      description:
        'The name or the password is wrong (`invalid_credentials`), a second factor is needed (`mfa_required`), its code is wrong (`invalid_otp`), the `mfa_token` or the `client_secret` is not valid (`invalid_mfa_token`, `invalid_client`).',
      schema: mfaProblemSchema,
    },
    403: 'The client may not do this (`unauthorized_client`), or the person has to use a browser, or may not sign in.',
    404: 'No client of this tenant may do this.',
    429: 'Too many attempts; try again after Retry-After seconds.',
  },
  handle: async ({ ctx, tenant, body }) => {
    const { metadata } = getDirectClient(ctx, tenant.definition, definedOnly(body));
    const { address, requestId } = requestFacts(ctx);
    const origin = { clientId: metadata.client_id, address, requestId, userAgent: ctx.get('User-Agent') };
    const outcome = await tenant.directLogin.login(proofIn(body), origin, body.scope);
    if (!outcome.ok) throw refusalOf(ctx, tenant, outcome);
    const { value, lifeSeconds, scope } = outcome.token;
    return { access_token: value, token_type: 'Bearer' as const, expires_in: lifeSeconds, scope };
  },
});

/** @throws AppError */
const proofIn = ({
  username,
  password,
  otp,
  mfa_token: mfaToken,
}: z.output<typeof loginSchema>): LoginProof => {
  if (mfaToken !== undefined && otp !== undefined && username === undefined && password === undefined)
    return { mfaToken, otp };
  if (mfaToken === undefined && username !== undefined && password !== undefined)
    return { username, password, ...definedOnly({ otp }) };
  throw new AppError('invalid_request', 'Send username and password, or mfa_token and otp');
};

const refusalOf = (
  ctx: Context,
  { provider }: ApiTenant,
  outcome: Exclude<LoginOutcome, { readonly ok: true }>,
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

export const logOut = definePublicOperation({
  id: 'logOut',
  method: 'POST',
  path: '/logout',
  summary: 'End the session of an access token',
  description:
    'The token is in `Authorization`: Bearer, or Basic as user name with an empty password. With its session end all tokens of that, and the sessions at services. Of a token without a session the grant ends.',
  answer: { description: 'The session has ended.' },
  refusals: {
    401: 'There is no access token, or it is no longer valid.',
    403: 'The access token is of a third-party client, or of no person.',
  },
  handle: async ({ ctx, tenant }) => {
    const token = readToken(ctx);
    const live = token === undefined ? undefined : await tenant.accessTokens.verify(token);
    if (live === undefined || live.isSenderConstrained) {
      const reason = token === undefined ? '' : ', error="invalid_token"';
      ctx.set('WWW-Authenticate', `Bearer realm="${tenant.provider.issuer}"${reason}`);
      throw new OperationRefusal(401, {
        code: token === undefined ? 'unauthorized' : 'invalid_token',
        description: 'An access token that is valid is expected',
      });
    }
    shareWith(ctx, findClient(tenant.definition, live.clientId)?.allowedOrigins ?? []);
    const { account, revocationIds, isThirdParty } = live;
    if (account === undefined || isThirdParty)
      throw new OperationRefusal(403, {
        code: 'insufficient_scope',
        description: 'The access token is of a third-party client, or of no person',
      });
    const { sub } = account;
    const { address, requestId } = requestFacts(ctx);
    const by = { actor: sub, address, requestId };
    const [grant = '', session] = revocationIds;
    if (session === undefined || !(await tenant.sessions.end(sub, session, by)))
      await tenant.sessions.endGrant(sub, grant, by);
    return undefined;
  },
});
