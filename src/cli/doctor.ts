import type { Command } from 'commander';
import { checkConfig } from '../config/check-config.ts';
import { formatFault } from '../config/fault.ts';
import { loadServerSettings } from '../config/load-server-settings.ts';
import { dataFolder } from '../open-store.ts';
import { type CliContext, contextOf } from './context.ts';
import { checkDataFolder } from './doctor/check-data-folder.ts';
import { checkStore } from './doctor/check-store.ts';
import { checkNode, checkPort, checkPublicUrl } from './doctor/check-surroundings.ts';
import { checkTenantData, checkTenantFile } from './doctor/check-tenant.ts';
import { type Finding, ok, problem, warning } from './doctor/finding.ts';
import { CommandFailure } from './exit.ts';
import { requireTenant } from './tenant-directory.ts';

export const addDoctor = (program: Command): void => {
  program
    .command('doctor [tenant]')
    .description('look for what keeps the server, or one tenant, from working, and say what to do')
    .action((tenant: string | undefined, _: unknown, command: Command) => doctor(contextOf(command), tenant));
};

const doctor = async (context: CliContext, tenant: string | undefined): Promise<void> => {
  const findings = await examine(context, tenant);
  const { colors } = context;
  const marks = { ok: colors.green('ok'), warning: colors.yellow('warning'), problem: colors.red('problem') };
  context.printResult(findings, () =>
    findings.map(({ about, verdict, message }) => `${marks[verdict]}  ${about}: ${message}`),
  );
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length;
  if (problems > 0) throw new CommandFailure(`${problems} to repair.`);
};

const examine = async (context: CliContext, tenant: string | undefined): Promise<readonly Finding[]> => {
  const { env, cwd, configFile: file } = context;
  const findings: Finding[] = [checkNode(process.versions.node)];
  const { faults, warnings, tenantCount } = checkConfig({ file, env, cwd });
  findings.push(...warnings.map((message) => warning('configuration', message)));
  findings.push(...faults.map((fault) => problem('configuration', formatFault(fault))));
  if (faults.length === 0) findings.push(ok('configuration', `no faults, ${tenantCount} tenant files`));
  const loaded = loadServerSettings({ file, env, cwd });
  // Without settings there is nowhere to look.
  if ('faults' in loaded) return findings;

  const { settings } = loaded;
  if (tenant !== undefined) requireTenant(settings, tenant);
  findings.push(checkPublicUrl(settings.server), await checkPort(settings));
  const folder = dataFolder(settings.storage.url);
  if (folder !== undefined) findings.push(...(await checkDataFolder(folder)));
  if (tenant !== undefined) findings.push(...checkTenantFile(settings, { id: tenant, env }));
  const more = async (storage: Parameters<typeof checkTenantData>[0]): Promise<readonly Finding[]> =>
    tenant === undefined ? [] : checkTenantData(storage, tenant);
  findings.push(...(await checkStore(settings, more)));
  return findings;
};
