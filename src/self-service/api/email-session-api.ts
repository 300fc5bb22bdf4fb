// Sessions that a code by e-mail begins.
import type { Context } from 'koa';
import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { EmailCodeProof } from '../../oidc/direct-login/email-sessions.ts';
import { findClient } from '../../oidc/provider/clients.ts';
import { nothingHere } from '../../web/problem.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { clientSchema, getBearerClient, type NamedClient, text } from './direct-client.ts';
import { loginRefusal, loginRefusals, tokenSchema } from './login-answers.ts';
import { type ApiTenant, definePublicOperation } from './operation.ts';

/** @throws AppError, OperationRefusal */
const originOf = (ctx: Context, { definition }: ApiTenant, named: NamedClient) => {
  const { metadata } = getBearerClient(ctx, definition, named);
  if (findClient(definition, metadata.client_id)?.emailCode !== true) throw nothingHere();
  const { address, requestId } = requestFacts(ctx);
  return { clientId: metadata.client_id, address, requestId, userAgent: ctx.get('User-Agent') };
};

export const createEmailSession = definePublicOperation({
  id: 'createEmailSession',
  method: 'POST',
  path: '/sessions',
  summary: 'Begin a session by a code that is sent by e-mail',
  description:
    'For clients with `directLogin: true` and `emailCode: true`. The answer does not say whether somebody has this address.',
  body: z.strictObject({ ...clientSchema, email: text, scope: text.optional() }),
  answer: {
    description: 'An access token that is not good yet.',
    schema: z
      .object({
        access_token: z.string(),
        token_type: z.literal('Bearer'),
        verification_id: z.string().meta({ description: 'Belongs to the code.' }),
        verification_expires_in: z.int().min(0).meta({ description: 'Seconds for the code.' }),
      })
      .meta({ id: 'NewEmailSession' }),
  },
  refusals: { ...loginRefusals, 500: 'The server has no mail server.' },
  handle: async ({ ctx, tenant, body: { email, scope, ...named } }) => {
    const origin = originOf(ctx, tenant, named);
    const { token, verificationId, codeSeconds } = await tenant.emailSessions.create(email, origin, scope);
    return {
      access_token: token,
      token_type: 'Bearer' as const,
      verification_id: verificationId,
      verification_expires_in: codeSeconds,
    };
  },
});

const verifySchema = z.strictObject({
  ...clientSchema,
  verification_id: text,
  code: text.optional().meta({ description: 'Of the mail.' }),
  otp: text.optional().meta({ description: 'A code of an authenticator app, or a recovery code.' }),
  mfa_token: text.optional().meta({ description: 'In place of the code: of the answer `mfa_required`.' }),
});

export const verifyEmailSession = definePublicOperation({
  id: 'verifyEmailSession',
  method: 'POST',
  path: '/session/verify',
  summary: 'Present the code of the mail',
  body: verifySchema,
  answer: { description: 'The access token is good from now on.', schema: tokenSchema },
  refusals: loginRefusals,
  handle: async ({ ctx, tenant, body }) => {
    const { client_id, client_secret, verification_id } = body;
    const origin = originOf(ctx, tenant, { client_id, ...definedOnly({ client_secret }) });
    const outcome = await tenant.emailSessions.verify(verification_id, proofIn(body), origin);
    if (!outcome.ok) throw loginRefusal(ctx, tenant, outcome);
    const { value, lifeSeconds, scope } = outcome.token;
    return { access_token: value, token_type: 'Bearer' as const, expires_in: lifeSeconds, scope };
  },
});

/** @throws AppError */
const proofIn = ({ code, otp, mfa_token: mfaToken }: z.output<typeof verifySchema>): EmailCodeProof => {
  if (code !== undefined && mfaToken === undefined) return { code, ...definedOnly({ otp }) };
  if (code === undefined && mfaToken !== undefined && otp !== undefined) return { mfaToken, otp };
  throw new AppError('invalid_request', 'Send code, or mfa_token and otp');
};
