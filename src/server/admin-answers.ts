import { answerAdminOperation } from '../admin/api/answer-operation.ts';
import { createAdminDocument } from '../admin/api/api-document.ts';
import { adminOperations } from '../admin/api/operations.ts';
import { createRefusalLimit } from '../admin/refusal-limit.ts';
import { packageVersion } from '../package-root.ts';
import { createJsonParser } from '../web/body.ts';
import type { Answer } from './router.ts';
import type { ServerParts } from './server-parts.ts';

/** The administration API, for the rows of the table. */
export const bindAdminApi = ({
  settings,
  tenants,
  clock,
  log,
}: ServerParts): Readonly<Record<string, Answer>> => {
  const { publicUrl } = settings.server;
  const parts = {
    ...{ tenants, clock, log, publicUrl, version: packageVersion(), parseJson: createJsonParser() },
    administration: settings.administration,
    services: settings.gateway.services,
  };
  const answer = answerAdminOperation(parts, createRefusalLimit(clock));
  return {
    createAdminDocument: createAdminDocument(parts),
    ...Object.fromEntries(
      adminOperations.map((operation): [string, Answer] => [
        operation.id,
        (ctx, given) => answer(operation, ctx, given),
      ]),
    ),
  };
};
