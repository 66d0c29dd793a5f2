//! Those who wait for something, in a line: first come, first served.
use std::cell::Cell;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::task::Waker;

/// One line of one worker. Whoever uses it bounds its length.
///
/// Being called means only that there may be something: whoever is called looks, and stays in line where
/// there is not. Nobody loses its place by that.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// In the order in which they came, and so of their numbers.
    waiting: RefCell<VecDeque<Stand>>,
    next: Cell<u64>,
    /// Those who wait in all lines that were made together.
    in_all: Rc<Cell<usize>>,
}

#[derive(Debug)]
struct Stand {
    number: u64,
    is_called: bool,
    waker: Option<Waker>,
}

/// A place in line, given up on drop.
#[derive(Debug)]
pub(super) struct Waiting<'l> {
    line: &'l Line,
    number: u64,
}

impl Line {
    /// One of many lines: whoever waits in it is also counted in `in_all`.
    pub(super) fn counted(in_all: &Rc<Cell<usize>>) -> Self {
        Self { in_all: Rc::clone(in_all), ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.borrow().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// Stands at the end.
    pub(super) fn join(&self) -> Waiting<'_> {
        let number = self.next.replace(self.next.get() + 1);
        self.waiting.borrow_mut().push_back(Stand { number, is_called: false, waker: None });
        self.in_all.set(self.in_all.get() + 1);
        Waiting { line: self, number }
    }

    /// There may be something for whoever is first.
    pub(super) fn call_first(&self) {
        let waker = self.waiting.borrow_mut().front_mut().and_then(Stand::call);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Something has changed for everybody.
    pub(super) fn call_all(&self) {
        let wakers: Vec<_> = self.waiting.borrow_mut().iter_mut().filter_map(Stand::call).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn at(&self, number: u64) -> Option<usize> {
        self.waiting.borrow().binary_search_by_key(&number, |it| it.number).ok()
    }
}

impl Stand {
    fn call(&mut self) -> Option<Waker> {
        self.is_called = true;
        self.waker.take()
    }
}

impl Waiting<'_> {
    pub(super) fn is_first(&self) -> bool {
        self.line.waiting.borrow().front().is_some_and(|it| it.number == self.number)
    }

    /// Ready once this one was called, which counts once.
    pub(super) async fn called(&self) {
        poll_fn(|cx| {
            let Some(at) = self.line.at(self.number) else { return Poll::Ready(()) };
            let stand = &mut self.line.waiting.borrow_mut()[at];
            if std::mem::take(&mut stand.is_called) {
                return Poll::Ready(());
            }
            match &mut stand.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                waker => *waker = Some(cx.waker().clone()),
            }
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let was_first = self.is_first();
        if let Some(at) = self.line.at(self.number) {
            self.line.waiting.borrow_mut().remove(at);
            self.line.in_all.set(self.line.in_all.get() - 1);
        }
        // Whatever this one was called for may be good for one more.
        if was_first {
            self.line.call_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::Context;

    fn is_called(waiting: &Waiting<'_>) -> bool {
        pin!(waiting.called()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn whoever_looked_in_vain_keeps_its_place() {
        let line = Line::default();
        let (first, second) = (line.join(), line.join());
        line.call_first();
        assert!(is_called(&first) && !is_called(&first), "once");
        line.call_first();
        assert!(is_called(&first) && !is_called(&second));
        drop(first);
        assert!(second.is_first() && is_called(&second), "the next one may have more luck");
    }

    #[test]
    fn who_leaves_from_the_middle_changes_nothing_for_the_others() {
        let in_all = Rc::default();
        let (line, other) = (Line::counted(&in_all), Line::counted(&in_all));
        let (first, middle, last) = (line.join(), line.join(), line.join());
        let elsewhere = other.join();
        drop(middle);
        assert!(first.is_first() && !last.is_first());
        assert!(!is_called(&first) && !is_called(&last));
        assert_eq!((line.len(), in_all.get()), (2, 3));
        line.call_all();
        assert!(is_called(&first) && is_called(&last) && !is_called(&elsewhere));
        drop((first, last, elsewhere));
        assert!(line.is_empty() && in_all.get() == 0);
    }
}
