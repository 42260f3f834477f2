import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeErrno, errnoNumber, IpvigilError } from '../../lib/errors.ts';
import { hostIsLittleEndian, viewOf } from '../../lib/netlink/byte-order.ts';
import { type CommandAnswer, NetlinkConn, type NetlinkConnOptions } from '../../lib/netlink/conn.ts';
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from '../../lib/netlink/linux-netlink.ts';
import { type CommandList, decodeMessages, encodeMessages, type NetlinkMessage } from '../../lib/netlink/message.ts';
import type { NetlinkReceiver, NetlinkTransport } from '../../lib/netlink/transport.ts';
import { milliseconds } from '../../lib/time/duration.ts';
import { ManualClock, settled } from './manual-clock.ts';

const port = 4711;

/** A transport that a test answers by hand, message by message. */
class HandTransport implements NetlinkTransport {
  readonly portId = port;
  /** The messages of each send. */
  readonly sends: (readonly NetlinkMessage[])[] = [];
  closed = 0;
  refusal: IpvigilError | undefined;
  #receiver: NetlinkReceiver | undefined;

  send(bytes: Uint8Array): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.sends.push([...decodeMessages(bytes.slice())]);
  }

  receive(receiver: NetlinkReceiver): void {
    this.#receiver = receiver;
  }

  close(): void {
    this.closed++;
  }

  get lastSend(): readonly NetlinkMessage[] {
    return this.sends.at(-1) ?? [];
  }

  raw(bytes: Uint8Array): void {
    this.#receiver?.datagram(bytes);
  }

  answer(...messages: readonly NetlinkMessage[]): void {
    this.raw(encodeMessages(messages));
  }

  fail(error: IpvigilError): void {
    this.#receiver?.failed(error);
  }

  overrun(): void {
    const errno = describeErrno(errnoNumber('ENOBUFS'));
    this.fail(new IpvigilError('ERR_NETLINK_OVERRUN', { operation: 'receive netlink answers', errno }));
  }
}

function ack(request: NetlinkMessage, errno = 0): NetlinkMessage {
  const payload = new Uint8Array(20);
  viewOf(payload).setInt32(0, -errno, hostIsLittleEndian);
  return { type: NLMSG_ERROR, flags: 0, sequence: request.sequence, portId: port, payload };
}

function done(request: NetlinkMessage, errno = 0, flags = 0): NetlinkMessage {
  const payload = new Uint8Array(4);
  viewOf(payload).setInt32(0, -errno, hostIsLittleEndian);
  return { type: NLMSG_DONE, flags: NLM_F_MULTI | flags, sequence: request.sequence, portId: port, payload };
}

function data(request: NetlinkMessage, value: number, flags = NLM_F_MULTI): NetlinkMessage {
  return { type: 28, flags, sequence: request.sequence, portId: port, payload: Uint8Array.of(value, 0, 0, 0) };
}

const firstByte = ({ payload }: NetlinkMessage): number => payload[0]!;
const question = { type: 28, payload: Uint8Array.of(1, 1, 0, 0), operation: 'ask' };

/** Commands with payloads of these lengths. */
function commandsOf(...lengths: readonly number[]): CommandList {
  const messages = lengths.map((length, i) => ({
    ...{ type: 28, flags: NLM_F_REQUEST, sequence: 0, portId: 0 },
    payload: new Uint8Array(length).fill(i),
  }));
  let end = 0;
  const ends = messages.map((message) => {
    end += encodeMessages([message]).length;
    return end;
  });
  return { bytes: encodeMessages(messages), ends };
}

const commands = (count: number): CommandList => commandsOf(...Array<number>(count).fill(4));

function connect(options: Partial<NetlinkConnOptions> = {}) {
  const clock = new ManualClock();
  const transport = new HandTransport();
  const conn = new NetlinkConn(transport, { clock, ...options });
  return { clock, transport, conn };
}

/** What became of a promise, as text. */
function fate(promise: Promise<unknown>): { now: string } {
  const state = { now: 'pending' };
  promise.then(
    (value) => {
      state.now = JSON.stringify(value);
    },
    (error: unknown) => {
      state.now = error instanceof IpvigilError ? error.code : String(error);
    },
  );
  return state;
}

function words(answers: readonly CommandAnswer[]): readonly string[] {
  return answers.map((answer) => {
    if (answer.kind === 'refused') return describeErrno(answer.acknowledgement.errno).name;
    return answer.kind === 'unknown' ? answer.error.code : 'ok';
  });
}

describe('NetlinkConn requests', () => {
  it('give the decoded answers when the acknowledgement comes', async () => {
    const { transport, conn, clock } = connect();
    const result = fate(conn.request(question, firstByte));
    const [request] = transport.lastSend;
    expect(request).to.deep.include({ type: 28, flags: NLM_F_REQUEST | NLM_F_ACK, portId: 0 });
    transport.answer(data(request!, 7, 0));
    await settled();
    expect(result.now).to.equal('pending');
    transport.answer(ack(request!));
    await settled();
    expect(result.now).to.equal('[7]');
    expect(clock.armed).to.equal(0);
  });

  it('that are refused reject with the errno and the operation', async () => {
    const { transport, conn } = connect();
    const result = conn.request(question, firstByte).catch((error: unknown) => error);
    transport.answer(ack(transport.lastSend[0]!, errnoNumber('ENOENT')));
    const error = (await result) as IpvigilError;
    expect(error.code).to.equal('ERR_NETLINK_REFUSED');
    expect(error.message).to.match(/^ask: ENOENT \(/);
  });

  it('that are refused with EPERM reject with ERR_PERMISSION', async () => {
    const { transport, conn } = connect();
    const result = fate(conn.request(question, firstByte));
    transport.answer(ack(transport.lastSend[0]!, errnoNumber('EPERM')));
    await settled();
    expect(result.now).to.equal('ERR_PERMISSION');
  });

  it('go on at the same time, each with its own answer, in whatever order they come', async () => {
    const { transport, conn } = connect();
    const first = fate(conn.request(question, firstByte));
    const second = fate(conn.request(question, firstByte));
    const [a, b] = transport.sends.flat();
    transport.answer(data(b!, 2, 0), ack(b!), data(a!, 1, 0), ack(a!));
    await settled();
    expect([first.now, second.now]).to.deep.equal(['[1]', '[2]']);
  });

  it('that nobody answers reject after the time limit, and the late answer is counted, not fatal', async () => {
    const { transport, conn, clock } = connect({ timeout: milliseconds(100) });
    const result = fate(conn.request(question, firstByte));
    clock.advance(99);
    await settled();
    expect(result.now).to.equal('pending');
    clock.advance(1);
    await settled();
    expect(result.now).to.equal('ERR_NETLINK_TIMEOUT');
    transport.answer(data(transport.lastSend[0]!, 1, 0), ack(transport.lastSend[0]!));
    expect(conn.counters.strays).to.equal(2);
    expect(conn.counters.timeouts).to.equal(1);
  });

  it('reject with what their decoder finds malformed, once they are acknowledged', async () => {
    const { transport, conn } = connect();
    const result = fate(
      conn.request(question, () => {
        throw new IpvigilError('ERR_NETLINK_MALFORMED', { operation: 'decode' });
      }),
    );
    transport.answer(data(transport.lastSend[0]!, 1, 0), ack(transport.lastSend[0]!));
    await settled();
    expect(result.now).to.equal('ERR_NETLINK_MALFORMED');
  });

  it('reject with the transport’s error when nothing can be sent', async () => {
    const { transport, conn, clock } = connect();
    transport.refusal = new IpvigilError('ERR_SYSTEM_CALL', { operation: 'sendto' });
    const result = fate(conn.request(question, firstByte));
    await settled();
    expect(result.now).to.equal('ERR_SYSTEM_CALL');
    expect(clock.armed).to.equal(0);
  });
});

describe('NetlinkConn batches', () => {
  it('leave in one send before batch() returns, and only the last command asks for an acknowledgement', () => {
    const { transport, conn } = connect();
    void conn.batch(commands(5));
    expect(transport.sends).to.have.length(1);
    expect(transport.lastSend.map(({ flags }) => flags)).to.deep.equal([
      ...Array(4).fill(NLM_F_REQUEST),
      NLM_F_REQUEST | NLM_F_ACK,
    ]);
    const [first] = transport.lastSend;
    expect(transport.lastSend.map(({ sequence }) => sequence - first!.sequence)).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('of one command ask for its acknowledgement', async () => {
    const { transport, conn } = connect();
    const answers = conn.batch(commands(1));
    expect(transport.lastSend.map(({ flags }) => flags)).to.deep.equal([NLM_F_REQUEST | NLM_F_ACK]);
    transport.answer(ack(transport.lastSend[0]!));
    expect(words(await answers)).to.deep.equal(['ok']);
  });

  const refusals: readonly { readonly name: string; readonly refused: readonly number[] }[] = [
    { name: 'none', refused: [] },
    { name: 'the first', refused: [0] },
    { name: 'one in the middle', refused: [2] },
    { name: 'the last', refused: [4] },
    { name: 'some, the last among them', refused: [1, 2, 4] },
    { name: 'all', refused: [0, 1, 2, 3, 4] },
  ];
  for (const { name, refused } of refusals) {
    it(`give one answer for each command when the kernel refuses ${name}`, async () => {
      const { transport, conn, clock } = connect();
      const answers = conn.batch(commands(5));
      for (const [i, request] of transport.lastSend.entries()) {
        if (refused.includes(i)) transport.answer(ack(request, errnoNumber('EEXIST')));
        else if (i === 4) transport.answer(ack(request));
      }
      const expected = [0, 1, 2, 3, 4].map((i) => (refused.includes(i) ? 'EEXIST' : 'ok'));
      expect(words(await answers)).to.deep.equal(expected);
      expect(clock.armed).to.equal(0);
      expect(conn.counters.strays).to.equal(0);
    });
  }

  it('wait for the last answer: until then a command that was not refused has no outcome', async () => {
    const { transport, conn } = connect();
    const result = fate(conn.batch(commands(3)));
    transport.answer(ack(transport.lastSend[0]!, errnoNumber('EEXIST')), ack(transport.lastSend[1]!));
    await settled();
    expect(result.now).to.equal('pending');
    transport.answer(ack(transport.lastSend[2]!));
    await settled();
    expect(JSON.parse(result.now)).to.have.length(3);
  });

  it('count an answer that is repeated, and change nothing', async () => {
    const { transport, conn } = connect();
    const answers = conn.batch(commands(2));
    const [a, b] = transport.lastSend;
    transport.answer(ack(a!, errnoNumber('EEXIST')), ack(a!, errnoNumber('ESRCH')), ack(b!));
    expect(words(await answers)).to.deep.equal(['EEXIST', 'ok']);
    expect(conn.counters.strays).to.equal(1);
  });

  const losses: readonly {
    readonly name: string;
    readonly code: string;
    readonly happen: (transport: HandTransport) => void;
  }[] = [
    { name: 'an overrun', code: 'ERR_NETLINK_OVERRUN', happen: (transport) => transport.overrun() },
    {
      name: 'NLMSG_OVERRUN',
      code: 'ERR_NETLINK_OVERRUN',
      happen: (transport) =>
        transport.answer({ type: NLMSG_OVERRUN, flags: 0, sequence: 0, portId: port, payload: new Uint8Array(4) }),
    },
    {
      name: 'a malformed datagram',
      code: 'ERR_NETLINK_MALFORMED',
      happen: (transport) => transport.raw(new Uint8Array(20).fill(0xff)),
    },
    {
      name: 'a datagram that is cut off',
      code: 'ERR_NETLINK_MALFORMED',
      happen: (transport) => transport.raw(encodeMessages([ack(transport.lastSend[1]!)]).subarray(0, 18)),
    },
    {
      name: 'an error of the socket',
      code: 'ERR_SYSTEM_CALL',
      happen: (transport) => transport.fail(new IpvigilError('ERR_SYSTEM_CALL', { operation: 'recvmsg' })),
    },
  ];
  for (const { name, code, happen } of losses) {
    it(`call no command accepted when ${name} comes before the last answer, and keep the refusals`, async () => {
      const { transport, conn, clock } = connect();
      const answers = conn.batch(commands(4));
      const sent = transport.lastSend;
      transport.answer(ack(sent[1]!, errnoNumber('EEXIST')));
      happen(transport);
      // The last answer got through all the same: it proves nothing any more.
      transport.answer(ack(sent[3]!));
      expect(words(await answers)).to.deep.equal([code, 'EEXIST', code, code]);
      expect(conn.counters.strays).to.equal(1);
      const next = conn.batch(commands(2));
      clock.advance(0);
      transport.answer(ack(transport.lastSend[1]!));
      expect(words(await next)).to.deep.equal(['ok', 'ok']);
      expect(clock.armed).to.equal(0);
    });
  }

  it('keep a refusal and the last answer that stand in front of garbage', async () => {
    const { transport, conn } = connect();
    const first = conn.batch(commands(2));
    const [a, b] = transport.lastSend;
    transport.raw(Uint8Array.of(...encodeMessages([ack(a!, errnoNumber('EEXIST')), ack(b!)]), 0xff));
    expect(words(await first)).to.deep.equal(['EEXIST', 'ok']);
    expect(conn.counters.malformed).to.equal(1);
  });

  it('go on after a loss with the commands that wait', async () => {
    const { transport, conn } = connect({ maxCommandsPerSend: 2 });
    const answers = conn.batch(commands(4));
    transport.raw(new Uint8Array(3));
    expect(transport.sends.map((send) => send.length)).to.deep.equal([2, 2]);
    transport.answer(ack(transport.lastSend[1]!));
    expect(words(await answers)).to.deep.equal(['ERR_NETLINK_MALFORMED', 'ERR_NETLINK_MALFORMED', 'ok', 'ok']);
  });

  it('never have more than the limit outstanding, in commands and in bytes', async () => {
    const { transport, conn } = connect({ maxCommandsPerSend: 3, maxBytesPerSend: 100 });
    const answers = conn.batch(commandsOf(4, 4, 4, 4, 4, 4, 4, 60, 60, 60, 200, 200));
    for (let i = 0; i < transport.sends.length; i++) {
      expect(transport.sends).to.have.length(i + 1);
      transport.answer(ack(transport.sends[i]!.at(-1)!));
    }
    expect(transport.sends.map((send) => send.length)).to.deep.equal([3, 3, 2, 1, 1, 1, 1]);
    expect(await answers).to.have.length(12);
  });

  it('of several callers leave together when they had to wait', async () => {
    const { transport, conn } = connect();
    const all = [conn.batch(commands(1)), conn.batch(commands(2)), conn.batch(commands(3))];
    expect(transport.sends.map((send) => send.length)).to.deep.equal([1]);
    transport.answer(ack(transport.lastSend[0]!));
    expect(transport.sends.map((send) => send.length)).to.deep.equal([1, 5]);
    const sent = transport.lastSend;
    transport.answer(ack(sent[1]!, errnoNumber('EEXIST')), ack(sent[2]!, errnoNumber('ESRCH')), ack(sent[4]!));
    const answers = await Promise.all(all);
    expect(answers.map(words)).to.deep.equal([['ok'], ['ok', 'EEXIST'], ['ESRCH', 'ok', 'ok']]);
  });

  it('of no commands send nothing', async () => {
    const { transport, conn } = connect();
    expect(await conn.batch(commands(0))).to.deep.equal([]);
    expect(transport.sends).to.have.length(0);
  });

  it('report commands in flight as unknown after an overrun, pause, and go on with fewer per send', async () => {
    const { transport, conn, clock } = connect({ maxCommandsPerSend: 32 });
    const answers = conn.batch(commands(40));
    transport.answer(...transport.lastSend.slice(0, 30).map((request) => ack(request, errnoNumber('EEXIST'))));
    transport.overrun();
    void conn.batch(commands(1));
    expect(transport.sends).to.have.length(1);
    // What was in the buffer all the same is read first.
    transport.answer(ack(transport.sends[0]![31]!));
    clock.advance(0);
    expect(transport.sends.map((send) => send.length)).to.deep.equal([32, 9]);
    transport.answer(ack(transport.lastSend.at(-1)!));
    expect(words(await answers)).to.deep.equal([
      ...Array(30).fill('EEXIST'),
      ...Array(2).fill('ERR_NETLINK_OVERRUN'),
      ...Array(8).fill('ok'),
    ]);
    void conn.batch(commands(40));
    expect(transport.lastSend).to.have.length(16);
    expect(conn.counters).to.include({ overruns: 1, strays: 1 });
  });

  it('survive an overrun that is reported while they pause', async () => {
    const { transport, conn, clock } = connect({ maxCommandsPerSend: 2 });
    const answers = conn.batch(commands(3));
    transport.overrun();
    transport.overrun();
    transport.fail(new IpvigilError('ERR_SYSTEM_CALL', { operation: 'recvmsg' }));
    clock.advance(0);
    transport.answer(ack(transport.lastSend[0]!));
    expect(words(await answers)).to.deep.equal(['ERR_NETLINK_OVERRUN', 'ERR_NETLINK_OVERRUN', 'ok']);
    expect(clock.armed).to.equal(0);
  });

  it('report commands that nobody answers as unknown after the time limit, and go on', async () => {
    const { transport, conn, clock } = connect({ maxCommandsPerSend: 2, timeout: milliseconds(50) });
    const answers = conn.batch(commands(3));
    transport.answer(ack(transport.lastSend[0]!));
    clock.advance(50);
    expect(transport.sends).to.have.length(2);
    transport.answer(ack(transport.lastSend[0]!));
    expect(words(await answers)).to.deep.equal(['ok', 'ERR_NETLINK_TIMEOUT', 'ok']);
    expect(clock.armed).to.equal(0);
  });

  it('report a command whose acknowledgement cannot be read as unknown', async () => {
    const { transport, conn } = connect();
    const answers = conn.batch(commands(2));
    const [a, b] = transport.lastSend;
    transport.answer({ ...ack(a!), payload: Uint8Array.of(1) }, ack(b!));
    expect(words(await answers)).to.deep.equal(['ERR_NETLINK_MALFORMED', 'ok']);
  });

  it('reject when the transport takes nothing, and say which commands did not leave when it takes some', async () => {
    const { transport, conn } = connect({ maxCommandsPerSend: 1 });
    const partly = conn.batch(commands(2));
    transport.refusal = new IpvigilError('ERR_SYSTEM_CALL', { operation: 'sendto' });
    transport.answer(ack(transport.lastSend[0]!));
    expect(words(await partly)).to.deep.equal(['ok', 'ERR_SYSTEM_CALL']);
    const nothing = fate(conn.batch(commands(3)));
    await settled();
    expect(nothing.now).to.equal('ERR_SYSTEM_CALL');
  });
});

describe('NetlinkConn dumps', () => {
  it('of several tables leave one after the other, the next before the last answer’s handler returns', async () => {
    const { transport, conn, clock } = connect();
    const tables = conn.dumps([question, question, question], (message, index) => 10 * index + firstByte(message));
    for (let i = 0; i < 3; i++) {
      expect(transport.sends).to.have.length(i + 1);
      transport.answer(data(transport.lastSend[0]!, 1), data(transport.lastSend[0]!, 2), done(transport.lastSend[0]!));
    }
    expect(await tables).to.deep.equal([
      [1, 2],
      [11, 12],
      [21, 22],
    ]);
    expect(clock.armed).to.equal(0);
  });

  it('of several tables end at the first that fails, and take turns with the dumps of others', async () => {
    const { transport, conn, clock } = connect();
    const several = fate(conn.dumps([question, question, question], firstByte));
    const one = fate(conn.dump(question, firstByte));
    transport.answer(data(transport.lastSend[0]!, 1), done(transport.lastSend[0]!));
    transport.answer(data(transport.lastSend[0]!, 2), done(transport.lastSend[0]!));
    await settled();
    expect([several.now, one.now]).to.deep.equal(['pending', '[2]']);
    transport.answer(done(transport.lastSend[0]!, errnoNumber('ENOMEM')));
    await settled();
    expect(several.now).to.equal('ERR_NETLINK_REFUSED');
    expect(transport.sends).to.have.length(3);
    expect(clock.armed).to.equal(0);
    expect(await conn.dumps([], firstByte)).to.deep.equal([]);
  });

  it('collect the messages of all datagrams until NLMSG_DONE', async () => {
    const { transport, conn, clock } = connect();
    const result = conn.dump(question, firstByte);
    const [request] = transport.lastSend;
    expect(request!.flags).to.equal(NLM_F_REQUEST | NLM_F_DUMP);
    transport.answer(data(request!, 1), data(request!, 2));
    transport.answer(data(request!, 3));
    transport.answer(done(request!));
    expect(await result).to.deep.equal([1, 2, 3]);
    expect(clock.armed).to.equal(0);
  });

  it('run one after the other', async () => {
    const { transport, conn } = connect();
    const both = Promise.all([conn.dump(question, firstByte), conn.dump(question, firstByte)]);
    expect(transport.sends).to.have.length(1);
    transport.answer(data(transport.lastSend[0]!, 1), done(transport.lastSend[0]!));
    expect(transport.sends).to.have.length(2);
    transport.answer(done(transport.lastSend[0]!));
    expect(await both).to.deep.equal([[1], []]);
  });

  it('do not hold back commands', async () => {
    const { transport, conn } = connect();
    const dump = conn.dump(question, firstByte);
    const [request] = transport.lastSend;
    const batch = conn.batch(commands(1));
    transport.answer(data(request!, 1));
    transport.answer(ack(transport.lastSend[0]!));
    transport.answer(done(request!));
    expect(words(await batch)).to.deep.equal(['ok']);
    expect(await dump).to.deep.equal([1]);
  });

  it('begin again when the table changed meanwhile (NLM_F_DUMP_INTR), and forget what they had', async () => {
    const { transport, conn } = connect();
    const result = conn.dump(question, firstByte);
    const [first] = transport.lastSend;
    transport.answer(data(first!, 1, NLM_F_MULTI | NLM_F_DUMP_INTR), done(first!));
    const [second] = transport.lastSend;
    expect(second!.sequence).to.not.equal(first!.sequence);
    transport.answer(data(second!, 2), done(second!));
    expect(await result).to.deep.equal([2]);
    expect(conn.counters.dumpRestarts).to.equal(1);
  });

  it('give up when the table changes each time', async () => {
    const { transport, conn, clock } = connect({ maxDumpRestarts: 2 });
    const result = fate(conn.dump(question, firstByte));
    for (let i = 0; i < 3; i++) transport.answer(done(transport.lastSend[0]!, 0, NLM_F_DUMP_INTR));
    await settled();
    expect(result.now).to.equal('ERR_NETLINK_REFUSED');
    expect(transport.sends).to.have.length(3);
    expect(clock.armed).to.equal(0);
  });

  it('begin again after an overrun, when the rest has been read', async () => {
    const { transport, conn, clock } = connect();
    const result = conn.dump(question, firstByte);
    const [first] = transport.lastSend;
    transport.answer(data(first!, 1));
    transport.overrun();
    transport.answer(data(first!, 3), done(first!));
    expect(transport.sends).to.have.length(1);
    clock.advance(10);
    const [second] = transport.lastSend;
    transport.answer(data(second!, 1), data(second!, 2), data(second!, 3), done(second!));
    expect(await result).to.deep.equal([1, 2, 3]);
  });

  it('try again after EBUSY, and give up some time', async () => {
    const { transport, conn, clock } = connect({ maxDumpRestarts: 3 });
    const result = fate(conn.dump(question, firstByte));
    for (let i = 0; i < 4; i++) {
      await settled();
      expect(result.now).to.equal('pending');
      transport.answer(ack(transport.lastSend[0]!, errnoNumber('EBUSY')));
      clock.advance(10);
    }
    await settled();
    expect(result.now).to.equal('ERR_NETLINK_REFUSED');
    expect(clock.armed).to.equal(0);
  });

  it('reject with the errno in NLMSG_DONE, or in place of the dump, and let the next one run', async () => {
    const { transport, conn } = connect();
    const results = [
      conn.dump(question, firstByte),
      conn.dump(question, firstByte),
      conn.dump(question, firstByte),
    ].map(fate);
    transport.answer(done(transport.lastSend[0]!, errnoNumber('EINVAL')));
    transport.answer(ack(transport.lastSend[0]!, errnoNumber('EPERM')));
    transport.answer(data(transport.lastSend[0]!, 9), done(transport.lastSend[0]!));
    await settled();
    expect(results.map(({ now }) => now)).to.deep.equal(['ERR_NETLINK_REFUSED', 'ERR_PERMISSION', '[9]']);
  });

  it('that stop half way reject after the time limit, and let the next one run', async () => {
    const { transport, conn, clock } = connect({ timeout: milliseconds(100) });
    const stuck = fate(conn.dump(question, firstByte));
    const next = fate(conn.dump(question, firstByte));
    transport.answer(data(transport.lastSend[0]!, 1));
    clock.advance(100);
    transport.answer(done(transport.lastSend[0]!));
    await settled();
    expect([stuck.now, next.now]).to.deep.equal(['ERR_NETLINK_TIMEOUT', '[]']);
  });

  it('with an entry that cannot be read reject as a whole', async () => {
    const { transport, conn } = connect();
    const result = fate(
      conn.dump(question, (message) => {
        if (firstByte(message) === 2) throw new IpvigilError('ERR_NETLINK_MALFORMED', { operation: 'decode' });
        return firstByte(message);
      }),
    );
    const [request] = transport.lastSend;
    transport.answer(data(request!, 1), data(request!, 2), data(request!, 3), done(request!));
    await settled();
    expect(result.now).to.equal('ERR_NETLINK_MALFORMED');
  });
});

describe('NetlinkConn', () => {
  it('begins again at 1 behind the last sequence number, with the commands of a send in a row', async () => {
    const { transport, conn } = connect({ firstSequence: 0xfffffffd });
    const sequences = () => transport.lastSend.map(({ sequence }) => sequence);
    const early = fate(conn.request(question, firstByte));
    expect(sequences()).to.deep.equal([0xfffffffd]);
    const batch = conn.batch(commands(3));
    expect(sequences()).to.deep.equal([1, 2, 3]);
    transport.answer(ack(transport.lastSend[1]!, errnoNumber('EEXIST')), ack(transport.lastSend[2]!));
    expect(words(await batch)).to.deep.equal(['ok', 'EEXIST', 'ok']);
    transport.answer(data(transport.sends[0]![0]!, 7, 0), ack(transport.sends[0]![0]!));
    await settled();
    expect(early.now).to.equal('[7]');
  });

  it('counts answers that belong to nobody, and garbage, and works on', async () => {
    const { transport, conn } = connect();
    const result = fate(conn.request(question, firstByte));
    const [request] = transport.lastSend;
    transport.answer(data({ ...request!, sequence: 999 }, 1));
    transport.answer({ ...ack(request!), portId: port + 1 });
    transport.answer({ type: NLMSG_NOOP, flags: 0, sequence: 0, portId: port, payload: new Uint8Array(0) });
    transport.raw(Uint8Array.of(1, 2, 3));
    transport.raw(new Uint8Array(64));
    transport.raw(new Uint8Array(64).fill(0xff));
    transport.raw(new Uint8Array(0));
    // An answer in front of garbage counts.
    transport.raw(Uint8Array.of(...encodeMessages([data(request!, 5, 0), ack(request!)]), 0xff));
    await settled();
    expect(result.now).to.equal('[5]');
    expect(conn.counters).to.include({ strays: 2, malformed: 4 });
  });

  it('takes NLMSG_OVERRUN for an overrun', async () => {
    const { transport, conn } = connect();
    const result = fate(conn.request(question, firstByte));
    transport.answer({ type: NLMSG_OVERRUN, flags: 0, sequence: 0, portId: port, payload: new Uint8Array(4) });
    await settled();
    expect(result.now).to.equal('ERR_NETLINK_OVERRUN');
  });

  it('hands an error of the socket to everybody who waits, and works on', async () => {
    const { transport, conn, clock } = connect({ maxCommandsPerSend: 1 });
    const request = fate(conn.request(question, firstByte));
    const dump = fate(conn.dump(question, firstByte));
    const batch = conn.batch(commands(2));
    transport.fail(new IpvigilError('ERR_SYSTEM_CALL', { operation: 'recvmsg' }));
    transport.answer(ack(transport.lastSend[0]!));
    await settled();
    expect([request.now, dump.now]).to.deep.equal(['ERR_SYSTEM_CALL', 'ERR_SYSTEM_CALL']);
    expect(words(await batch)).to.deep.equal(['ERR_SYSTEM_CALL', 'ok']);
    expect(clock.armed).to.equal(0);
  });

  it('rejects what is pending when it is closed, once, and everything afterwards', async () => {
    const { transport, conn, clock } = connect({ maxCommandsPerSend: 1 });
    const fates = [
      conn.request(question, firstByte),
      conn.dump(question, firstByte),
      conn.dump(question, firstByte),
      conn.batch(commands(3)),
      conn.batch(commands(1)),
    ].map(fate);
    conn.close();
    conn.close();
    fates.push(
      ...[conn.request(question, firstByte), conn.dump(question, firstByte), conn.batch(commands(1))].map(fate),
    );
    await settled();
    expect(fates.map(({ now }) => now)).to.deep.equal(Array(8).fill('ERR_NETLINK_CLOSED'));
    expect(transport.closed).to.equal(1);
    expect(clock.armed).to.equal(0);
    const sends = transport.sends.length;
    transport.answer(ack(transport.lastSend[0]!));
    transport.overrun();
    expect(transport.sends).to.have.length(sends);
  });
});
