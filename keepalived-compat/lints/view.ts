/** The model with the words that it was read from: what is in effect, and where to point. */
import { formatEndpoint } from '../../lib/address/endpoint.ts';
import { parseIpAddress } from '../../lib/address/ip-address.ts';
import type { CheckerConfig } from '../../lib/model/checker.ts';
import { checkerKeyword } from '../../lib/model/checker.ts';
import type { DirectorConfig, RealServer, SourcePlace, VirtualServer } from '../../lib/model/virtual-server.ts';
import type { Place } from '../diagnostic-list.ts';
import { checkerKeywords } from '../keywords/checkers.ts';
import type { Statement, SyntaxTree } from '../syntax-tree.ts';

/** One block as it is written. */
export interface BlockView {
  /** The keyword of the block with its first words: where a diagnostic about the whole points. */
  readonly at: Place;
  /** The last statement inside that begins with one of these keywords, from its first to its last word. */
  readonly written: (...keywords: readonly string[]) => Place | undefined;
}

export interface CheckerView extends BlockView {
  readonly config: CheckerConfig;
}

export interface RealServerView extends BlockView {
  readonly server: RealServer;
  /** Those that run. */
  readonly checkers: readonly CheckerView[];
  /** A checker is written, whether it runs or not. */
  readonly isMeantToBeChecked: boolean;
}

export interface VirtualServerView extends BlockView {
  readonly server: VirtualServer;
  /** `192.0.2.1:80/tcp` */
  readonly name: string;
  readonly realServers: readonly RealServerView[];
}

const checkerNames = new Set(checkerKeywords.map(({ name }) => name));

/** Every virtual server that is in effect, in the order of the text. */
export function viewServices(config: DirectorConfig, tree: SyntaxTree): VirtualServerView[] {
  return pairs(config.virtualServers, blocksOf(tree.statements, 'virtual_server')).map(([server, statement]) => {
    const inside = statement.body?.statements ?? [];
    return {
      ...viewBlock(statement),
      server,
      name: `${formatEndpoint(server)}/${server.protocol}`,
      realServers: pairs(server.realServers, blocksOf(inside, 'real_server')).map(viewRealServer),
    };
  });
}

function viewRealServer([server, statement]: readonly [RealServer, Statement]): RealServerView {
  const blocks = (statement.body?.statements ?? []).filter(({ words }) => checkerNames.has(words[0]?.text ?? ''));
  const block = viewBlock(statement);
  return {
    ...block,
    server,
    checkers: viewCheckers(server, block, blocks),
    isMeantToBeChecked: blocks.length > 0,
  };
}

/** A checker that lacks something is not in the model: then which block is which is only known by kind. */
function viewCheckers({ checkers }: RealServer, server: BlockView, blocks: readonly Statement[]): CheckerView[] {
  return checkers.map((config) => {
    const ofKind = blocks.filter(({ words }) => words[0]!.text === checkerKeyword[config.kind]);
    const same = checkers.filter(({ kind }) => kind === config.kind);
    const block = ofKind.length === same.length ? ofKind[same.indexOf(config)] : undefined;
    return { ...(block === undefined ? server : viewBlock(block)), config };
  });
}

function viewBlock({ words, body }: Statement): BlockView {
  return {
    at: [words[0]!, words.at(-1)!],
    written(...keywords) {
      const found = body?.statements.findLast(({ words }) => keywords.includes(words[0]?.text ?? ''));
      return found === undefined ? undefined : [found.words[0]!, found.words.at(-1)!];
    },
  };
}

function blocksOf(statements: readonly Statement[], keyword: string): Statement[] {
  return statements.filter(({ words }) => words[0]?.text === keyword);
}

interface Located {
  readonly address: string;
  readonly source?: SourcePlace;
}

/**
 * Each value with the block that it was read from. Values stand in the order of the blocks, and some blocks have none.
 * A repetition (`~SEQ`) gives several blocks at one place, which their address tells apart.
 */
function pairs<T extends Located>(values: readonly T[], blocks: readonly Statement[]): (readonly [T, Statement])[] {
  const found: (readonly [T, Statement])[] = [];
  let next = 0;
  for (const value of values) {
    let at = next;
    while (at < blocks.length && !isSource(value, blocks[at]!)) at++;
    if (at === blocks.length) continue;
    found.push([value, blocks[at]!]);
    next = at + 1;
  }
  return found;
}

function isSource({ address, source }: Located, { words }: Statement): boolean {
  const [keyword, target] = words;
  if (keyword === undefined || target === undefined || source === undefined) return false;
  const { line, start } = keyword;
  return (
    source.line === line.number &&
    source.column === start - line.start + 1 &&
    source.file === line.file.path &&
    // Most addresses are written as we write them, and reading one costs more than all the rest.
    (target.text === address || parseIpAddress(target.text) === address)
  );
}
