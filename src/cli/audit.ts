import { type Command, Option } from 'commander';
import { auditFormatNames } from '../audit/formats/audit-formats.ts';
import { type ExportOptions, exportAudit } from './audit-export.ts';
import { showAuditStreams } from './audit-streams.ts';
import { type TailOptions, tailAudit } from './audit-tail.ts';
import { type VerifyOptions, verifyAudit } from './audit-verify.ts';
import { contextOf } from './context.ts';

export const addAudit = (program: Command): void => {
  const audit = program.command('audit').description('the audit record of a tenant');
  const version = program.version() ?? '';
  const format = () =>
    new Option('--format <name>', 'of the lines').choices(auditFormatNames).default('json');
  audit
    .command('verify <tenant>')
    .description('look for records that were changed, removed, inserted or re-ordered')
    .option('--checkpoint <jws>', 'the chain must contain this one, which an earlier run has printed')
    .action((tenant: string, options: VerifyOptions, command: Command) =>
      verifyAudit(contextOf(command), { tenant, ...options }),
    );
  audit
    .command('export <tenant>')
    .description('write the records to standard output, the oldest first')
    .addOption(format())
    .option('--since <time>', 'of then and later: a time such as 2031-05-05T12:00Z, or a duration such as 7d')
    .option('--until <time>', 'of then and before')
    .action((tenant: string, options: ExportOptions, command: Command) =>
      exportAudit(contextOf(command), { tenant, version, ...options }),
    );
  audit
    .command('tail <tenant>')
    .description('show the newest records, the newest last')
    .addOption(format())
    .option('-n, --lines <count>', 'how many, at most 1000', '20')
    .option('-f, --follow', 'go on with those that are written from now on')
    .action((tenant: string, options: TailOptions, command: Command) =>
      tailAudit(contextOf(command), { tenant, version, ...options }),
    );
  audit
    .command('streams <tenant>')
    .description('show how far other systems have the records')
    .action((tenant: string, _options: object, command: Command) =>
      showAuditStreams(contextOf(command), tenant),
    );
};
