import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { checkConfig } from '../config/check-config.ts';
import { formatFault } from '../config/parsing/fault.ts';
import { dataFolder } from '../server/open-store.ts';
import { issuerOf } from '../tenants/issuer.ts';
import { type CliContext, contextOf } from './context.ts';
import { count } from './count.ts';
import { checkAuditStreams } from './doctor/check-audit-streams.ts';
import { checkBreachedPasswords } from './doctor/check-breached-passwords.ts';
import { checkDataFolder } from './doctor/check-data-folder.ts';
import { checkGateway, checkTenantGateway } from './doctor/check-gateway.ts';
import { checkMail, sendTestMail } from './doctor/check-mail.ts';
import { checkRegistration } from './doctor/check-registration.ts';
import { checkSources } from './doctor/check-sources.ts';
import { checkStore } from './doctor/check-store.ts';
import { checkNode, checkPort, checkPublicUrl } from './doctor/check-surroundings.ts';
import { checkTenant, checkTenantData } from './doctor/check-tenant.ts';
import { type Finding, ok, problem, warning } from './doctor/finding.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { findRefused } from './refused-tenants.ts';
import { listTenantIds, requireTenant } from './tenant-directory.ts';

export const addDoctor = (program: Command): void => {
  program
    .command('doctor [tenant]')
    .description('look for what keeps the server, or one tenant, from working, and say what to do')
    .option('--mail-to <address>', 'send a test mail of the tenant to this address')
    .action((tenant: string | undefined, { mailTo }: { readonly mailTo?: string }, command: Command) =>
      doctor(contextOf(command), { tenant, mailTo }),
    );
};

interface Asked {
  readonly tenant: string | undefined;
  readonly mailTo: string | undefined;
}

const doctor = async (context: CliContext, asked: Asked): Promise<void> => {
  if (asked.mailTo !== undefined && asked.tenant === undefined)
    throw usageFailure('--mail-to needs the tenant whose mail it is.');
  const findings = await examine(context, asked);
  const { colors } = context;
  const marks = { ok: colors.green('ok'), warning: colors.yellow('warning'), problem: colors.red('problem') };
  context.printResult(findings, () =>
    findings.map(({ about, verdict, message }) => `${marks[verdict]}  ${about}: ${message}`),
  );
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length;
  if (problems > 0) throw new CommandFailure(`${problems} to repair.`);
};

const examine = async (context: CliContext, { tenant, mailTo }: Asked): Promise<readonly Finding[]> => {
  const { env, cwd, configFile: file } = context;
  const findings: Finding[] = [checkNode(process.versions.node)];
  const checked = checkConfig({ file, env, cwd, tenant });
  const { faults, warnings, otherFaulty, tenantCount, definitions, settings } = checked;
  findings.push(...warnings.map((message) => warning('configuration', message)));
  findings.push(...faults.map((fault) => problem('configuration', formatFault(fault))));
  if (otherFaulty.length > 0)
    findings.push(
      warning(
        'configuration',
        `${count(otherFaulty.length, 'file')} of other tenants ${otherFaulty.length === 1 ? 'has' : 'have'} faults (${otherFaulty.slice(0, 5).join(', ')}). To list them: npx --no drawbridge config check`,
      ),
    );
  if (faults.length === 0)
    findings.push(ok('configuration', `no faults, ${count(tenantCount, 'tenant file')}`));
  // Without settings no further check is possible.
  if (settings === undefined) return findings;

  for (const { id, reason } of findRefused(definitions, settings.server))
    if (tenant === undefined) findings.push(warning(`tenant ${id}`, `It is not served. ${reason}`));
  if (tenant !== undefined) requireTenant(settings, tenant);
  findings.push(checkPublicUrl(settings.server), await checkPort(settings));
  // a missing folder of tenants is reported above
  const ids = tenantCount === 0 ? [] : listTenantIds(settings);
  findings.push(...(await checkGateway(settings, { ids, definitions })));
  findings.push(...(await checkMail(settings.mail)));
  const folder = dataFolder(settings.storage.url);
  if (folder !== undefined) findings.push(...(await checkDataFolder(folder)));
  const definition = definitions.find(({ id }) => id === tenant);
  if (definition !== undefined) {
    if (mailTo !== undefined)
      findings.push(await sendTestMail(settings.mail, { definition, to: mailTo, clock: systemClock }));
    findings.push(...checkTenant(settings, definition), ...checkTenantGateway(settings, definition));
    findings.push(...(await checkBreachedPasswords(definition)));
    findings.push(...(await checkRegistration(definition, systemClock)));
    findings.push(
      ...(await checkSources(definition, {
        issuer: issuerOf(definition, settings.server.publicUrl),
        outgoingProxy: settings.server.outgoingProxy,
      })),
    );
  }
  const more = async (storage: Parameters<typeof checkTenantData>[0]): Promise<readonly Finding[]> =>
    tenant === undefined
      ? []
      : definition === undefined
        ? checkTenantData(storage, { id: tenant, sources: [] })
        : [
            ...(await checkTenantData(storage, {
              ...definition,
              issuer: issuerOf(definition, settings.server.publicUrl),
            })),
            ...(await checkAuditStreams(storage, definition)),
          ];
  findings.push(...(await checkStore(settings, more)));
  return findings;
};
