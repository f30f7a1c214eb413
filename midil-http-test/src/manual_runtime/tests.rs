use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};
use std::thread;

use futures_util::FutureExt;
use futures_util::future::{Either, join, join_all, select};
use midil_http_core::{Attempt, HttpClient, Outcome, RetryDecision};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::fault_server::{self, FaultServer, Gate};
use crate::{MockTransport, Reply};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// What a panic said.
fn message(work: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("a panic");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().map(ToString::to_string).unwrap_or_default(),
    }
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn time_stands_still_until_it_is_moved() {
    let runtime = ManualRuntime::new();
    let (now, wall) = (runtime.now(), runtime.system_time());
    assert_eq!(wall.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 1_767_225_600);
    assert_eq!((runtime.now(), runtime.elapsed()), (now, Duration::ZERO));

    runtime.clone().advance(90 * SECOND);
    assert_eq!(runtime.now() - now, 90 * SECOND);
    assert_eq!(runtime.system_time().duration_since(wall).unwrap(), 90 * SECOND);
    assert_eq!(runtime.elapsed(), 90 * SECOND);
}

#[test]
fn the_wall_clock_is_set_apart_from_the_monotonic_one() {
    let runtime = ManualRuntime::new();
    let now = runtime.now();
    runtime.advance(SECOND);
    runtime.set_system_time(SystemTime::UNIX_EPOCH);
    runtime.advance(SECOND);
    assert_eq!(runtime.system_time(), SystemTime::UNIX_EPOCH + SECOND);
    assert_eq!(runtime.now() - now, 2 * SECOND);
}

#[test]
fn the_longest_durations_do_not_overflow() {
    let runtime = ManualRuntime::new();
    runtime.advance(SECOND);
    let mut endless = runtime.sleep(Duration::MAX);
    let mut context = Context::from_waker(Waker::noop());
    assert!(endless.as_mut().poll(&mut context).is_pending());
    runtime.advance(Duration::MAX);
    runtime.advance(Duration::MAX);
    assert!(runtime.elapsed() > 900 * 365 * 24 * HOUR);
    let _ = (runtime.now(), runtime.system_time());
    assert!(endless.as_mut().poll(&mut context).is_pending());
    assert_eq!(runtime.advance_to_next_timer(), None);
    assert_eq!(runtime.timers(), 1);
}

#[test]
fn a_sleep_of_no_time_is_over_at_once() {
    let runtime = ManualRuntime::new();
    assert_eq!(runtime.sleep(Duration::ZERO).now_or_never(), Some(()));
    assert_eq!((runtime.timers(), runtime.sleeps()), (0, vec![Duration::ZERO]));
}

#[test]
fn a_sleep_ends_counted_from_when_it_was_asked_for() {
    let runtime = ManualRuntime::new();
    let mut sleep = runtime.sleep(2 * SECOND);
    assert_eq!(runtime.timers(), 0, "nobody awaits it yet");
    runtime.advance(SECOND);
    let mut context = Context::from_waker(Waker::noop());
    assert!(sleep.as_mut().poll(&mut context).is_pending());
    assert_eq!(runtime.advance_to_next_timer(), Some(SECOND));
    assert!(sleep.as_mut().poll(&mut context).is_ready());
    assert!(sleep.as_mut().poll(&mut context).is_ready(), "over is over");
    assert_eq!(runtime.completed_sleeps(), [2 * SECOND], "once");
}

#[test]
fn a_dropped_sleep_leaves_nothing_behind() {
    let runtime = ManualRuntime::new();
    for _ in 0..1000 {
        assert_eq!(runtime.sleep(SECOND).now_or_never(), None);
    }
    assert_eq!(runtime.timers(), 0);
    assert_eq!(Arc::strong_count(&runtime.0), 1);

    let mut over = runtime.sleep(SECOND);
    assert!(over.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    runtime.advance(SECOND);
    assert_eq!(runtime.timers(), 0);
    drop(over);
    assert_eq!(Arc::strong_count(&runtime.0), 1);
}

#[test]
fn a_sleep_wakes_who_polled_it_last() {
    let runtime = ManualRuntime::new();
    let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut sleep = runtime.sleep(SECOND);
    for count in [&first, &first, &last] {
        let waker = Waker::from(Arc::clone(count));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 1, "the first waker is forgotten");
    assert_eq!(runtime.timers(), 1);
    runtime.advance(SECOND);
    assert_eq!((first.get(), last.get()), (0, 1));
}

#[test]
fn sleeps_are_woken_in_the_order_of_their_ends() {
    struct Note(u64, std::sync::mpsc::Sender<u64>);

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.1.send(self.0).unwrap();
        }
    }

    let runtime = ManualRuntime::new();
    let (sender, order) = std::sync::mpsc::channel();
    let _sleeps = Vec::from_iter([3, 1, 9, 2, 1].into_iter().map(|seconds| {
        let waker = Waker::from(Arc::new(Note(seconds, sender.clone())));
        let mut sleep = runtime.sleep(Duration::from_secs(seconds));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        sleep
    }));
    runtime.advance(4 * SECOND);
    assert_eq!(Vec::from_iter(order.try_iter()), [1, 1, 2, 3]);
    assert_eq!(runtime.timers(), 1);
}

#[test]
fn block_on_jumps_from_sleep_to_sleep() {
    let runtime = ManualRuntime::new();
    let times = runtime.block_on(async {
        let twice = async |seconds| {
            runtime.sleep(seconds * SECOND).await;
            runtime.sleep(seconds * SECOND).await;
            runtime.elapsed()
        };
        join_all([3, 1, 2].map(twice)).await
    });
    assert_eq!(times, [6 * SECOND, 2 * SECOND, 4 * SECOND]);
    assert_eq!(runtime.sleeps(), [3, 1, 2, 1, 2, 3].map(Duration::from_secs));
}

#[test]
fn time_does_not_jump_to_a_sleep_that_nobody_awaits() {
    let runtime = ManualRuntime::new();
    runtime.block_on(async {
        let unused = runtime.sleep(SECOND);
        runtime.sleep(5 * SECOND).await;
        drop(unused);
        drop(select(runtime.sleep(SECOND), runtime.sleep(10 * SECOND)).await);
    });
    assert_eq!(runtime.elapsed(), 6 * SECOND);
    assert_eq!(runtime.sleeps(), [1, 5, 1, 10].map(Duration::from_secs));
    assert_eq!(runtime.completed_sleeps(), [5, 1].map(Duration::from_secs));
}

#[test]
fn tasks_run_in_the_order_of_their_wakes_every_time() {
    let course = || {
        let runtime = ManualRuntime::new();
        let (sender, receiver) = std::sync::mpsc::channel();
        for number in 0..20_u32 {
            let (runtime, sender) = (runtime.clone(), sender.clone());
            runtime.clone().spawn(Box::pin(async move {
                for _ in 0..3 {
                    runtime.sleep((number % 3) * SECOND).await;
                    sender.send((number, runtime.elapsed())).unwrap();
                }
            }));
        }
        assert_eq!(runtime.tasks(), 20);
        runtime.block_on(runtime.sleep(60 * SECOND));
        assert_eq!((runtime.tasks(), runtime.timers()), (0, 0));
        Vec::from_iter(receiver.try_iter())
    };
    let first = course();
    assert_eq!(first.len(), 60);
    assert!(first.is_sorted_by_key(|(_, elapsed)| *elapsed));
    assert_eq!(first, course());
}

#[test]
fn tasks_go_on_in_the_next_block_on_or_are_aborted() {
    let runtime = ManualRuntime::new();
    let clone = runtime.clone();
    runtime.spawn(Box::pin(async move { clone.sleep(5 * SECOND).await }));
    let held = Arc::new(());
    let clone = Arc::clone(&held);
    runtime.spawn(Box::pin(async move {
        std::future::pending::<()>().await;
        drop(clone);
    }));
    runtime.block_on(runtime.sleep(SECOND));
    assert_eq!((runtime.tasks(), runtime.timers()), (2, 1));
    runtime.block_on(runtime.sleep(9 * SECOND));
    assert_eq!((runtime.tasks(), runtime.timers()), (1, 0));
    runtime.abort_tasks();
    assert_eq!((runtime.tasks(), Arc::strong_count(&held)), (0, 1));
    assert_eq!(Arc::strong_count(&runtime.0), 1);
}

#[test]
fn a_task_may_abort_all_tasks_and_spawn_others() {
    let runtime = ManualRuntime::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let clone = runtime.clone();
    runtime.spawn(Box::pin(async move {
        clone.abort_tasks();
        clone.spawn(Box::pin(async move { sender.send("spawned").unwrap() }));
        std::future::pending::<()>().await;
    }));
    runtime.block_on(runtime.sleep(SECOND));
    assert_eq!((receiver.try_recv(), runtime.tasks()), (Ok("spawned"), 0));
}

#[test]
fn a_future_that_wakes_itself_lets_others_run() {
    let runtime = ManualRuntime::new();
    let done = Arc::new(AtomicUsize::new(0));
    let clone = Arc::clone(&done);
    runtime.spawn(Box::pin(async move {
        clone.store(1, Ordering::SeqCst);
    }));
    runtime.block_on(poll_fn(|context| {
        if done.load(Ordering::SeqCst) == 1 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }));
}

#[test]
fn block_on_waits_for_other_threads_when_no_sleep_is_left() {
    let began = Instant::now();
    let runtime = ManualRuntime::new();
    let (sender, receiver) = oneshot::channel();
    let clone = runtime.clone();
    runtime.block_on(async {
        runtime.sleep(SECOND).await;
        thread::spawn(move || sender.send(clone.elapsed()));
        assert_eq!(receiver.await, Ok(SECOND));
    });
    assert!(
        began.elapsed() < 5 * SECOND,
        "it was woken, and did not look after its patience was out"
    );
}

#[test]
fn block_on_jumps_to_a_sleep_that_another_thread_awaits() {
    let runtime = ManualRuntime::new();
    let (sender, receiver) = oneshot::channel();
    let clone = runtime.clone();
    runtime.block_on(async {
        thread::spawn(move || {
            ManualRuntime::new().block_on(clone.sleep(SECOND));
            sender.send(clone.elapsed())
        });
        assert_eq!(receiver.await, Ok(SECOND));
    });
}

#[test]
fn a_held_clock_is_moved_by_hand_alone() {
    let runtime = ManualRuntime::new();
    runtime.set_auto_advance(false);
    let clone = runtime.clone();
    let hand = thread::spawn(move || {
        for _ in 0..2 {
            ManualRuntime::new().block_on(clone.wait_for_timers(2));
            clone.advance(SECOND);
        }
    });
    runtime.block_on(join(runtime.sleep(2 * SECOND), async {
        runtime.sleep(SECOND).await;
        runtime.sleep(SECOND).await;
    }));
    hand.join().unwrap();
    assert_eq!(runtime.elapsed(), 2 * SECOND);
}

#[test]
fn a_deadlock_is_told() {
    let runtime = ManualRuntime::new();
    runtime.set_patience(Duration::from_millis(1));
    runtime.spawn(Box::pin(std::future::pending()));
    runtime.advance(SECOND);
    let told = message(|| runtime.block_on(std::future::pending()));
    let expected = "deadlock: nothing is ready, no sleep is awaited, and no other thread woke anything within 1ms of \
                    real time; 1 spawned tasks are not complete, 1s of virtual time have passed.";
    assert!(told.starts_with(expected), "{told}");

    let endless = runtime.sleep(Duration::MAX);
    let told = message(|| runtime.block_on(endless));
    assert!(told.contains("1 awaited sleeps never end"), "{told}");

    runtime.set_auto_advance(false);
    let held = runtime.sleep(SECOND);
    let told = message(|| runtime.block_on(held));
    assert!(told.contains("1 sleeps are awaited but auto-advance is off"), "{told}");

    runtime.set_auto_advance(true);
    runtime.block_on(runtime.sleep(SECOND));
}

#[test]
fn the_panic_of_a_task_is_a_panic_of_block_on() {
    let runtime = ManualRuntime::new();
    let clone = runtime.clone();
    runtime.spawn(Box::pin(async move {
        clone.sleep(SECOND).await;
        panic!("the task's own words");
    }));
    assert_eq!(message(|| runtime.block_on(std::future::pending())), "the task's own words");
    assert_eq!((runtime.elapsed(), runtime.tasks()), (SECOND, 0));
    runtime.block_on(runtime.sleep(SECOND));
}

#[test]
fn one_block_on_at_a_time() {
    let runtime = ManualRuntime::new();
    let told = message(|| runtime.block_on(async { runtime.block_on(async {}) }));
    let expected = "a block_on of this runtime is under way already, begun at ";
    assert!(told.starts_with(expected) && told.contains("tests.rs"), "{told}");
    ManualRuntime::new().block_on(async { runtime.block_on(async {}) });
}

#[test]
fn wait_for_timers_completes_when_enough_are_awaited() {
    let runtime = ManualRuntime::new();
    assert_eq!(runtime.wait_for_timers(0).now_or_never(), Some(()));
    assert_eq!(runtime.wait_for_timers(1).now_or_never(), None);
    runtime.block_on(async {
        let two = join(runtime.sleep(SECOND), runtime.sleep(SECOND));
        let (two, wait) = (std::pin::pin!(two), std::pin::pin!(runtime.wait_for_timers(2)));
        assert!(matches!(select(two, wait).await, Either::Right(_)));
        assert_eq!(runtime.elapsed(), Duration::ZERO);
    });
}

#[test]
fn what_debug_shows() {
    let runtime = ManualRuntime::default();
    runtime.advance(SECOND);
    assert_eq!(format!("{runtime:?}"), "ManualRuntime { elapsed: 1s, timers: 0, tasks: 0 }");
}

/// Answers only when time is moved: the sockets under it are real.
#[tokio::test]
async fn on_tokio_with_real_sockets_time_is_moved_by_hand() {
    let gate = Gate::new();
    let server = FaultServer::always(fault_server::Reply::ok("late").hold(&gate).close());
    let runtime = ManualRuntime::new();
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();

    let clone = runtime.clone();
    let exchange = tokio::spawn(async move {
        let mut answer = String::new();
        let timed_out = {
            let read = std::pin::pin!(socket.read_to_string(&mut answer));
            matches!(select(read, clone.sleep(30 * SECOND)).await, Either::Right(_))
        };
        assert!(timed_out);
        socket.read_to_string(&mut answer).await.map(|_| answer)
    });

    runtime.wait_for_timers(1).await;
    runtime.advance(29 * SECOND);
    assert_eq!(runtime.timers(), 1);
    assert_eq!(runtime.advance_to_next_timer(), Some(SECOND));
    gate.open();
    assert!(exchange.await.unwrap().unwrap().ends_with("late"));
}

#[tokio::test]
async fn on_tokio_tasks_run_where_run_tasks_is_polled() {
    let runtime = ManualRuntime::new();
    let runner = tokio::spawn(runtime.run_tasks());
    let (sender, mut received) = mpsc::unbounded_channel();
    for number in [2, 1] {
        let (clone, sender) = (runtime.clone(), sender.clone());
        runtime.spawn(Box::pin(async move {
            tokio::task::yield_now().await;
            clone.sleep(number * SECOND).await;
            sender.send(number).unwrap();
        }));
    }
    runtime.wait_for_timers(2).await;
    assert!(received.try_recv().is_err());
    runtime.advance_to_next_timer();
    assert_eq!(received.recv().await, Some(1));
    runtime.advance_to_next_timer();
    assert_eq!(received.recv().await, Some(2));

    runner.abort();
    assert!(runner.await.is_err());
    assert_eq!(runtime.tasks(), 0);
}

#[tokio::test]
async fn a_task_that_wakes_itself_does_not_starve_the_others() {
    let runtime = ManualRuntime::new();
    let runner = tokio::spawn(runtime.run_tasks());
    runtime.spawn(Box::pin(poll_fn(|context| {
        context.waker().wake_by_ref();
        Poll::Pending
    })));
    tokio::task::yield_now().await;
    runner.abort();
    assert!(runner.await.is_err());
    runtime.abort_tasks();
}

#[test]
fn two_executors_may_share_the_tasks() {
    let runtime = ManualRuntime::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let tasks = runtime.run_tasks();
    let helper = thread::spawn(move || {
        let tasks = std::pin::pin!(tasks);
        drop(ManualRuntime::new().block_on(select(tasks, stopped)));
    });
    let (sender, mut received) = mpsc::unbounded_channel();
    for _ in 0..100 {
        let sender = sender.clone();
        runtime.spawn(Box::pin(async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            sender.send(()).unwrap();
        }));
    }
    runtime.block_on(async {
        for _ in 0..100 {
            received.recv().await.unwrap();
        }
    });
    drop(stop);
    helper.join().unwrap();
    assert_eq!(runtime.tasks(), 0);
}

#[test]
fn a_minute_of_backoff_takes_no_time() {
    let began = Instant::now();
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([Reply::status(503), Reply::ok().body("up again")]);
    let strategy = |attempt: &Attempt<'_>| match attempt.outcome {
        Outcome::Response(head) if head.status == 503 => {
            RetryDecision::Retry { after: 60 * SECOND }
        }
        _ => RetryDecision::Accept,
    };
    let client = HttpClient::builder(mock.clone())
        .base_url("http://localhost")
        .retry(strategy)
        .runtime(runtime.clone())
        .build()
        .unwrap();

    let response = runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!((response.attempts(), response.elapsed()), (2, 60 * SECOND));
    assert_eq!(runtime.block_on(response.text()).unwrap(), "up again");
    assert_eq!((runtime.elapsed(), runtime.sleeps()), (60 * SECOND, vec![60 * SECOND]));
    mock.verify();
    assert!(began.elapsed() < SECOND);
}

#[test]
fn a_pending_reply_runs_into_the_clients_timeout() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::pending());
    let client = HttpClient::builder(mock.clone())
        .base_url("http://localhost")
        .timeout(20 * SECOND)
        .runtime(runtime.clone())
        .build()
        .unwrap();
    assert!(runtime.block_on(client.get("/").send()).unwrap_err().is_timeout());
    assert_eq!((runtime.elapsed(), runtime.timers(), mock.in_flight()), (20 * SECOND, 0, 0));
}
