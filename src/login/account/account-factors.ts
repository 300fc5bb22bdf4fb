// The second factors of the person who is signed in; account-passkeys.ts: a new passkey. Whoever changes them has just
// signed in, with a factor if there is one.
import type { Context } from 'koa';
import { factorFacts, recoveryCodesLeft } from '../../accounts/factors/factor-facts.ts';
import { byCode } from '../../accounts/factors/proven-factor.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { readForm } from '../../web/body.ts';
import type { FactorProblem } from '../../web/page-problems.ts';
import { sendPage } from '../../web/send-page.ts';
import { totpFields, totpPicture, totpProblem } from '../factors/totp-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  personOf,
  refuseForeignForm,
  submittedBy,
  visitOrSignIn,
  visitWithFactorRecently,
} from './account-visit.ts';

export const factorsUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/factors`;
const totpUrl = (tenant: LoginTenant): string => `${factorsUrl(tenant)}/totp`;

export interface FactorsNotice {
  readonly outcome?: 'added' | 'removed';
  /** To be shown once. */
  readonly recoveryCodes?: readonly string[];
}

/** Has this tenant second factors at all? */
export const offersFactors = ({ definition }: LoginTenant): boolean =>
  definition.secondFactor.methods.length > 0;

/** Undefined, and a redirect to a sign-in that returns to `url`, unless the person has just signed in. */
export const visitToChange = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, url }: { readonly tenant: LoginTenant; readonly url: string },
): Promise<AccountVisit | undefined> => {
  if (!offersFactors(tenant)) throw new AppError('not_found', 'There are no second factors here');
  return visitWithFactorRecently(parts, ctx, { tenant, url });
};

export const showFactors = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  if (!offersFactors(tenant)) throw new AppError('not_found', 'There are no second factors here');
  const url = factorsUrl(tenant);
  const visit = await visitOrSignIn(ctx, tenant, url);
  if (visit === undefined) return;
  const last = parts.notices.last<FactorsNotice>({ ctx, url });
  const { outcome, recoveryCodes } = last?.isNew === true ? last.notice : {};
  const look = lookOf(ctx, tenant);
  const csrf = accountCsrfToken(parts.csrf, visit);
  if (recoveryCodes !== undefined)
    return sendPage(ctx, parts.pages, {
      name: 'recovery-codes',
      model: { codes: recoveryCodes, csrf, nextUrl: url },
      look,
    });
  const { account } = visit;
  const factors = factorFacts(account);
  const { methods } = tenant.definition.secondFactor;
  sendPage(ctx, parts.pages, {
    name: 'account-factors',
    model: {
      csrf,
      accountUrl: accountUrl(tenant),
      ...(methods.includes('totp') ? { setUpTotpUrl: totpUrl(tenant) } : {}),
      ...(methods.includes('passkey') ? { setUpPasskeyUrl: `${url}/passkey` } : {}),
      factors: factors.map(({ id, type, name, createdAt, lastUsedAt }) => ({
        type,
        name,
        createdAt,
        removeAction: `${url}/${id}/remove`,
        ...definedOnly({ lastUsedAt }),
      })),
      ...(factors.length === 0
        ? {}
        : { recoveryCodes: { left: recoveryCodesLeft(account), renewAction: `${url}/recovery-codes` } }),
      ...(tenant.emailCodes.isFor(account) ? { mailedTo: tenant.emailCodes.addressOf(account) } : {}),
      ...definedOnly({ outcome }),
    },
    look,
  });
};

interface TotpNotice {
  readonly problem: FactorProblem;
  readonly sealed: string;
}

export const askForTotp = async (parts: LoginPageParts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const url = totpUrl(tenant);
  const visit = await visitToChange(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  const last = parts.notices.last<TotpNotice>({ ctx, url });
  const { problem, sealed: shown } = last?.isNew === true ? last.notice : {};
  const { secret, uri, sealed } = tenant.accounts.factors.newTotp(visit.account, shown);
  sendPage(ctx, parts.pages, {
    name: 'set-up-totp',
    status: announce(parts.log, ctx, definedOnly({ problem })),
    model: {
      ...definedOnly({ problem }),
      secret,
      sealed,
      picture: await totpPicture(uri),
      action: url,
      csrf: accountCsrfToken(parts.csrf, visit),
      isDemanded: false,
      cancelUrl: factorsUrl(tenant),
    },
    look: lookOf(ctx, tenant),
  });
};

export const submitTotp = async (parts: LoginPageParts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const { csrf, code, sealed, name } = await readForm(ctx, totpFields);
  const url = totpUrl(tenant);
  const visit = await visitToChange(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const added = await tenant.accounts.factors.addTotp(visit.account, { sealed, code, name }, personOf(visit));
  if (!added.ok) {
    const notice: TotpNotice = { problem: totpProblem(added.reason), sealed };
    return parts.notices.show({ ctx, url }, notice);
  }
  await tenant.provider.strengthenSession(ctx, byCode);
  const { recoveryCodes } = added;
  showFactorsAgain(parts, visit, { outcome: 'added', ...definedOnly({ recoveryCodes }) });
};

export const submitFactorRemoval = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: { readonly tenant: LoginTenant; readonly id: string },
): Promise<void> => {
  const url = factorsUrl(tenant);
  const visit = await submittedBy(parts, ctx, () => visitToChange(parts, ctx, { tenant, url }));
  if (visit === undefined) return;
  const isRemoved = await tenant.accounts.factors.remove(visit.account, id, personOf(visit));
  showFactorsAgain(parts, visit, isRemoved ? { outcome: 'removed' } : {});
};

export const submitNewRecoveryCodes = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = factorsUrl(tenant);
  const visit = await submittedBy(parts, ctx, () => visitToChange(parts, ctx, { tenant, url }));
  if (visit === undefined) return;
  const renewed = await tenant.accounts.factors.renewRecoveryCodes(visit.account, personOf(visit));
  showFactorsAgain(parts, visit, definedOnly({ recoveryCodes: renewed?.codes }));
};

export const showFactorsAgain = (
  parts: LoginPageParts,
  { ctx, tenant }: AccountVisit,
  notice: FactorsNotice,
): void => parts.notices.show({ ctx, url: factorsUrl(tenant) }, notice);
