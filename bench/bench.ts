// `npm run bench`: what Drawbridge costs, beside the bare library and beside nothing at all.
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.ts';
import { findSlapd } from './directory/start-slapd.ts';
import { measureFederation } from './federation.ts';
import { measureGateway } from './gateway/measure-gateway.ts';
import { findNginx } from './gateway/start-nginx.ts';
import { measureStore } from './load/measure-store.ts';
import { openMongod } from './load/store-process.ts';
import { parseBenchOptions } from './options.ts';
import { describeRun } from './report/machine.ts';
import { summarizeProfiles } from './report/profile-summary.ts';
import { helloLine, toMarkdown, toTable, toText } from './report/tables.ts';
import { writeDocument } from './report/write-document.ts';
import { measureTenants, tenantsTable } from './tenants.ts';

const options = parseBenchOptions(process.argv.slice(2));
const progress = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else process.stderr.write(`${line}\n`);
};

// An exit, unlike a signal, takes the processes that were started with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const document = join(packageRoot(), 'docs', 'benchmarks.md');
const mongod = options.stores.includes('mongodb') ? await openMongod(options.mongodb) : undefined;
try {
  const run = describeRun(options.node, mongod?.version);
  const parts: string[] = [run];
  const show = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    process.stdout.write(`${text}\n\n`);
  };
  show(options.quick ? `${run}\nOne short cold round: it shows that everything works, not how fast.` : run);
  for (const store of options.stores) {
    const result = await measureStore(store, options, {
      mongod: store === 'mongodb' ? mongod : undefined,
      progress,
    });
    const table = toTable(result);
    show(`${toText(table)}\n${helloLine(result)}`);
    parts.push(toMarkdown(table), helloLine(result));
  }
  if (options.tenants > 0) {
    const table = tenantsTable(
      await measureTenants({ count: options.tenants, node: options.node, progress }),
    );
    show(toText(table));
    parts.push(toMarkdown(table));
  }
  const slapd = options.federation ? await findSlapd() : undefined;
  if (options.federation && slapd === undefined)
    show('Sign-ins of people kept elsewhere need slapd: not measured.');
  if (slapd !== undefined) {
    const table = await measureFederation(slapd, options, progress);
    show(toText(table));
    if (options.write) writeDocument(document, 'federation', `${run}\n\n${toMarkdown(table)}`);
  }
  if (options.gateway) {
    const tables = await measureGateway(await findNginx(), options, progress);
    for (const table of tables) show(toText(table));
    if (options.write) writeDocument(document, 'gateway', [run, ...tables.map(toMarkdown)].join('\n\n'));
  }
  if (options.profile !== undefined) {
    for (const table of summarizeProfiles(options.profile)) show(toText(table));
  }
  if (options.write && parts.length > 1) writeDocument(document, 'bench', parts.join('\n\n'));
} finally {
  await mongod?.close();
}
