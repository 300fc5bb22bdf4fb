import type { Command } from 'commander';
import { checkConfig } from '../config/check-config.ts';
import { jsonSchemaFiles } from '../config/json-schemas.ts';
import { formatFault } from '../config/parsing/fault.ts';
import { columns } from './columns.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { count } from './count.ts';
import { CommandFailure, exitCodes, usageFailure } from './exit.ts';
import { findRefused } from './refused-tenants.ts';

export const addConfig = (program: Command): void => {
  const config = program.command('config').description('settings of the server and the tenants');
  config
    .command('check')
    .description('list all faults of the settings and of every tenant file, without starting')
    .action((_, command: Command) => check(contextOf(command)));
  config
    .command('show')
    .description('the settings in force and where each comes from')
    .action((_, command: Command) => show(contextOf(command)));
  config
    .command('schema [kind]')
    .description('JSON schema of the settings (server) or of a tenant file (tenant)')
    .action((kind: string | undefined, _: unknown, command: Command) => schema(contextOf(command), kind));
};

const check = (context: CliContext): void => {
  const { env, cwd, configFile: file } = context;
  const { faults, warnings: others, tenantCount, definitions, settings } = checkConfig({ file, env, cwd });
  const refused = settings === undefined ? [] : findRefused(definitions, settings.server);
  const warnings = [...others, ...refused.map(({ id, reason }) => `${id} is not served. ${reason}`)];
  if (context.isJson) context.print(JSON.stringify({ faults, warnings, tenants: tenantCount }, undefined, 2));
  for (const warning of warnings) context.note(`${context.colors.yellow('warning')} ${warning}`);
  if (faults.length > 0) {
    const list = context.isJson ? '' : `${faults.map(formatFault).join('\n')}\n`;
    throw new CommandFailure(`${list}${count(faults.length, 'fault')}.`, exitCodes.badConfig);
  }
  if (!context.isJson) context.print(`No faults in the settings and ${count(tenantCount, 'tenant file')}.`);
};

const show = (context: CliContext): void => {
  const { effective, file } = requireSettings(context);
  context.note(file === undefined ? 'There is no file of settings.' : `File: ${file}`);
  context.printResult(effective, () =>
    columns([
      ['SETTING', 'VALUE', 'FROM', 'VARIABLE'],
      ...effective.map(({ name, value, source, env }) => [name, value ?? '-', source, env]),
    ]),
  );
};

const schema = (context: CliContext, kind = 'tenant'): void => {
  const text = jsonSchemaFiles()[`${kind}.schema.json`];
  if (text === undefined) throw usageFailure(`There is no schema ${kind}. Write server or tenant.`);
  context.print(text.trimEnd());
};
