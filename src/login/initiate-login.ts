import type { Context } from 'koa';
import { z } from 'zod';
import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import { readForm } from '../web/body.ts';
import type { LoginTenant } from './login-tenant.ts';
import { isOwnTarget } from './own-target.ts';
import { startSignIn } from './start-sign-in.ts';

const parameters = z.object({
  iss: z.string(),
  login_hint: z.string().max(256).optional(),
  target_link_uri: z.string().max(2048).optional(),
});

/**
 * A sign-in that an upstream begins (OpenID Connect Core section 4). Its parameters are only a request: the person
 * signs in as usual, at the source with the issuer that they name.
 */
export const initiateLogin = (ctx: Context, tenant: LoginTenant): void => {
  const asked = readParameters(ctx);
  const source = tenant.definition.sources.find(({ type, ...rest }) =>
    type === 'oidc' && 'issuer' in rest ? rest.issuer === asked.iss : false,
  );
  if (source === undefined)
    throw new AppError('invalid_request', 'iss is not the issuer of a source of this tenant');
  const { target_link_uri: target, login_hint: loginHint } = asked;
  if (target !== undefined && !isOwnTarget(tenant, target))
    throw new AppError('invalid_request', 'target_link_uri does not belong to an app of this tenant');
  startSignIn(ctx, tenant, {
    idpHint: source.id,
    ...definedOnly({ loginHint, target }),
  });
};

const readParameters = (ctx: Context): z.output<typeof parameters> => {
  if (ctx.method === 'POST') return readForm(ctx, parameters);
  const outcome = parameters.safeParse({ ...ctx.query });
  if (outcome.success) return outcome.data;
  throw new AppError('invalid_request', 'iss is missing, or a parameter is given twice or too long');
};
