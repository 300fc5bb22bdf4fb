// A new passkey or security key of the person who is signed in.
import type { Context } from 'koa';
import { definedOnly } from '../../defined-only.ts';
import { readForm } from '../../web/body.ts';
import type { FactorProblem } from '../../web/page-problems.ts';
import { sendPage } from '../../web/send-page.ts';
import { newPasskeyFields, readNewPasskeyAnswer } from '../factors/passkey-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { factorsUrl, showFactorsAgain, visitToChange } from './account-factors.ts';
import { accountCsrfToken, browserAtAccount, personOf, refuseForeignForm } from './account-visit.ts';

const passkeyUrl = (tenant: LoginTenant): string => `${factorsUrl(tenant)}/passkey`;

interface PasskeyNotice {
  readonly problem: FactorProblem;
}

export const askForPasskey = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = passkeyUrl(tenant);
  const visit = await visitToChange(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  const last = parts.notices.last<PasskeyNotice>({ ctx, url });
  const shown = definedOnly({ problem: last?.isNew === true ? last.notice.problem : undefined });
  const options = await tenant.accounts.factors.passkeys.askForNew(visit.account, browserAtAccount(visit));
  sendPage(ctx, parts.pages, {
    name: 'set-up-passkey',
    status: announce(parts.log, ctx, shown),
    model: {
      ...shown,
      csrf: accountCsrfToken(parts.csrf, visit),
      passkey: { action: url, options },
      isDemanded: false,
      cancelUrl: factorsUrl(tenant),
    },
    look: lookOf(ctx, tenant),
  });
};

export const submitNewPasskey = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf, credential, name } = await readForm(ctx, newPasskeyFields);
  const url = passkeyUrl(tenant);
  const visit = await visitToChange(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const showAgain = (problem: FactorProblem): void =>
    parts.notices.show({ ctx, url }, { problem } satisfies PasskeyNotice);
  const answer = readNewPasskeyAnswer(credential);
  if (answer === undefined) return showAgain('passkey');
  const added = await tenant.accounts.factors.passkeys.add(
    visit.account,
    { answer, browser: browserAtAccount(visit), name },
    personOf(visit),
  );
  if (!added.ok) return showAgain(added.reason === 'expired' ? 'passkey' : added.reason);
  await tenant.provider.strengthenSession(ctx, added.proof);
  const { recoveryCodes } = added;
  showFactorsAgain(parts, visit, { outcome: 'added', ...definedOnly({ recoveryCodes }) });
};
