//! Virtual time: a queue of moments at which something happens, and tasks that sleep in between.
//!
//! A task is an ordinary future that awaits nothing but [`Sim::sleep_until`]. When its process dies it is dropped where it
//! stands, which is what a kill does.

use std::cell::{Cell, RefCell, RefMut};
use std::cmp::Ordering;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use relay_domain::Timestamp;

use crate::world::{Deed, World};

/// A world and the time in it.
pub(crate) struct Sim {
    now: Cell<Timestamp>,
    /// When the task that just went to sleep wants to go on.
    asked: Cell<Option<Timestamp>>,
    world: RefCell<World>,
}

/// A task of a process.
pub(crate) struct Task {
    pub(crate) process: usize,
    pub(crate) future: Pin<Box<dyn Future<Output = ()>>>,
}

/// Something that happens then. What is asked for first happens first.
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) number: u64,
    pub(crate) deed: Deed,
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Moment {}

impl Sim {
    pub(crate) fn new(world: World) -> Rc<Self> {
        Rc::new(Self { now: Cell::new(world.now), asked: Cell::new(None), world: RefCell::new(world) })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.get()
    }

    /// The world; never held while sleeping.
    pub(crate) fn w(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    pub(crate) fn sleep_until(&self, until: Timestamp) -> Sleep<'_> {
        Sleep { sim: self, until }
    }

    pub(crate) fn sleep(&self, time: Duration) -> Sleep<'_> {
        self.sleep_until(self.now() + time)
    }

    /// Goes to the next moment; `None` when nothing is left to happen.
    pub(crate) fn advance(&self) -> Option<Deed> {
        let mut world = self.w();
        let moment = world.queue.pop()?;
        self.now.set(moment.at);
        world.now = moment.at;
        Some(moment.deed)
    }

    /// Starts a task of a process.
    pub(crate) fn spawn(&self, process: usize, future: impl Future<Output = ()> + 'static) {
        let mut world = self.w();
        let task = Task { process, future: Box::pin(future) };
        let free = world.free_tasks.pop();
        let id = free.unwrap_or(world.tasks.len());
        if free.is_some() {
            world.tasks[id] = Some(task);
        } else {
            world.tasks.push(Some(task));
        }
        let now = self.now();
        world.at(now, Deed::Wake(id));
    }

    /// Lets a task go on until it sleeps again.
    pub(crate) fn poll(&self, id: usize) {
        let (mut task, thaw) = {
            let mut world = self.w();
            let Some(task) = world.tasks.get_mut(id).and_then(Option::take) else { return };
            let thaw = world.processes[task.process].frozen_until(self.now());
            (task, thaw)
        };
        if let Some(thaw) = thaw {
            let mut world = self.w();
            world.tasks[id] = Some(task);
            world.at(thaw, Deed::Wake(id));
            return;
        }
        let mut context = Context::from_waker(Waker::noop());
        let result = task.future.as_mut().poll(&mut context);
        let mut world = self.w();
        match result {
            Poll::Ready(()) => world.free_tasks.push(id),
            Poll::Pending => {
                let until = self.asked.take().expect("a task awaits nothing but time");
                world.tasks[id] = Some(task);
                world.at(until, Deed::Wake(id));
            }
        }
    }
}

/// Waits until a moment.
pub(crate) struct Sleep<'a> {
    sim: &'a Sim,
    until: Timestamp,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.sim.now() >= self.until {
            return Poll::Ready(());
        }
        self.sim.asked.set(Some(self.until));
        Poll::Pending
    }
}
