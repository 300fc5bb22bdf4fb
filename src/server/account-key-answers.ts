import type { Context } from 'koa';
import { askForKeyCode, submitKeyCode, submitKeyCodeAgain } from '../login/account/account-key-code.ts';
import {
  askForNewKey,
  showOwnKeys,
  submitKeyRevocation,
  submitKeyRotation,
  submitNewKey,
} from '../login/account/account-keys.ts';
import type { LoginPageParts } from '../login/login-form.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { AnswerOfTenant } from './router.ts';

/** A form of the account page; `id` is that of the source, the app, the session, the device or the key. */
export type BindAccountForm = (
  answer: (ctx: Context, tenant: Tenant, id: string) => Promise<void>,
) => AnswerOfTenant;

/** The pages of API keys, for the rows of the table. */
export const bindAccountKeys = (login: LoginPageParts, accountForm: BindAccountForm) => ({
  showOwnKeys: ((ctx, tenant) => showOwnKeys(login, ctx, tenant)) satisfies AnswerOfTenant,
  askForNewKey: ((ctx, tenant) => askForNewKey(login, ctx, tenant)) satisfies AnswerOfTenant,
  submitNewKey: accountForm((ctx, tenant) => submitNewKey(login, ctx, tenant)),
  askForKeyCode: accountForm((ctx, tenant, id) => askForKeyCode(login, ctx, { tenant, id })),
  submitKeyCode: accountForm((ctx, tenant, id) => submitKeyCode(login, ctx, { tenant, id })),
  submitKeyCodeAgain: accountForm((ctx, tenant, id) => submitKeyCodeAgain(login, ctx, { tenant, id })),
  submitKeyRotation: accountForm((ctx, tenant, id) => submitKeyRotation(login, ctx, { tenant, id })),
  submitKeyRevocation: accountForm((ctx, tenant, id) => submitKeyRevocation(login, ctx, { tenant, id })),
});
