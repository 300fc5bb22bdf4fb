import { z } from 'zod';
import type { Locale } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { clientNameOf } from '../oidc/provider/clients.ts';
import type { OpenInteraction } from '../oidc/provider/interactions.ts';
import { readForm } from '../web/body.ts';
import type { Csrf } from '../web/csrf.ts';
import { textIn } from '../web/local-text.ts';
import type { PageModels, Pages } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';
import {
  csrfField,
  csrfToken,
  formAction,
  type InteractionVisit,
  interactionUrl,
  redirectTo,
  refuseForgery,
} from './interaction-form.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';

export interface ConsentPageParts {
  readonly pages: Pages;
  readonly csrf: Csrf;
}

const fields = z.object({ csrf: csrfField, decision: z.enum(['allow', 'deny']) });
const cancelFields = z.object({ csrf: csrfField });

export const showConsent = async (
  parts: ConsentPageParts,
  visit: InteractionVisit,
  { pending }: OpenInteraction,
): Promise<void> => {
  const { ctx, tenant } = visit;
  const account = pending.sub === undefined ? undefined : await tenant.accounts.findBySub(pending.sub);
  const { clientLogo, clientUri, policyUri, tosUri } = pending;
  const look = lookOf(ctx, tenant, { uiLocales: pending.uiLocales });
  sendPage(ctx, parts.pages, {
    name: 'consent',
    model: {
      action: formAction(visit, 'consent'),
      csrf: csrfToken(parts.csrf, visit),
      clientName: clientNameOf(tenant.definition, pending.clientId),
      clientId: pending.clientId,
      redirectHost: pending.redirectUri === undefined ? '' : hostOf(pending.redirectUri),
      username: account?.username ?? '',
      scopes: pending.missing.scopes.filter((name) => name !== 'offline_access').map((name) => ({ name })),
      resources: resourceLines(tenant, pending.missing.resources, look.locale),
      offlineAccess: pending.isOfflineAccessAsked,
      ...definedOnly({ clientLogo, clientUri, policyUri, tosUri }),
    },
    look,
  });
};

export const submitConsent = async (parts: ConsentPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const { csrf, decision } = await readForm(ctx, fields);
  refuseForgery(parts.csrf, visit, csrf);
  const interaction = await tenant.interactions.open({ ctx, uid });
  if (interaction.pending.prompt !== 'consent') return redirectTo(visit, interactionUrl(visit));
  redirectTo(visit, await (decision === 'allow' ? interaction.allow() : interaction.refuse()));
};

/** The person returns to the app without signing in: `access_denied`. */
export const cancelInteraction = async (parts: ConsentPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const { csrf } = await readForm(ctx, cancelFields);
  refuseForgery(parts.csrf, visit, csrf);
  const interaction = await tenant.interactions.open({ ctx, uid });
  redirectTo(visit, await interaction.refuse());
};

/** Private-use schemes have no host; then the scheme names the target. */
const hostOf = (redirectUri: string): string => {
  const { host, protocol } = new URL(redirectUri);
  return host === '' ? protocol : host;
};

/** Resources and their scopes, in the words of the tenant's file. */
export const resourceLines = (
  { definition }: LoginTenant,
  missing: Readonly<Record<string, readonly string[]>>,
  locale: Locale,
): PageModels['consent']['resources'] =>
  Object.entries(missing).map(([identifier, scopes]) => {
    const resource = definition.resources.find((candidate) => candidate.identifier === identifier);
    return {
      name: resource?.name === undefined ? identifier : textIn(resource.name, locale),
      scopes: scopes.map((name) => {
        const description = resource?.scopes[name];
        return description === undefined ? { name } : { name, description: textIn(description, locale) };
      }),
    };
  });
