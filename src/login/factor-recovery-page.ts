// The link of a mail for a person who has lost their second factor: a button, then a recovery code that is shown once.
import type { Context } from 'koa';
import { factorRecoveryUrl } from '../accounts/factors/factor-recovery.ts';
import type { PageModels } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';
import { factorsUrl } from './account/account-factors.ts';
import type { LoginPageParts } from './login-form.ts';
import { announce } from './login-problems.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';
import { factsOf, refuseOtherSites, tokenOf } from './mailed-form.ts';

type Parts = Pick<LoginPageParts, 'pages' | 'notices' | 'log'>;

interface RecoveredFactor {
  readonly username: string;
  /** To be shown once. */
  readonly code: string;
}

const urlOf = ({ provider }: LoginTenant): string => factorRecoveryUrl(provider.issuer);

/** Opening the link changes nothing: programs that look into mails open links too. */
export const askForFactorRecovery = async (
  parts: Parts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const last = parts.notices.last<RecoveredFactor>({ ctx, url: urlOf(tenant) });
  const { username, code } = last?.isNew === true ? last.notice : {};
  if (username !== undefined && code !== undefined)
    return show(parts, { ctx, tenant }, { username, code, nextUrl: factorsUrl(tenant) });
  const token = tokenOf(ctx);
  const account = await tenant.factorRecovery.find(token);
  if (account === undefined) return show(parts, { ctx, tenant }, { problem: 'link' });
  const action = `${urlOf(tenant)}?token=${token}`;
  show(parts, { ctx, tenant }, { username: account.username, action });
};

export const submitFactorRecovery = async (
  parts: Parts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  refuseOtherSites(ctx);
  const token = tokenOf(ctx);
  const account = await tenant.factorRecovery.find(token);
  const code = account === undefined ? undefined : await tenant.factorRecovery.redeem(token, factsOf(ctx));
  if (account === undefined || code === undefined) return show(parts, { ctx, tenant }, { problem: 'link' });
  const { username } = account;
  parts.notices.show({ ctx, url: urlOf(tenant) }, { username, code } satisfies RecoveredFactor);
};

const show = (
  { pages, log }: Parts,
  { ctx, tenant }: { readonly ctx: Context; readonly tenant: LoginTenant },
  model: PageModels['recover-factor'],
): void =>
  sendPage(ctx, pages, {
    name: 'recover-factor',
    status: announce(log, ctx, model.problem === undefined ? {} : { problem: model.problem }),
    model,
    look: lookOf(ctx, tenant),
  });
