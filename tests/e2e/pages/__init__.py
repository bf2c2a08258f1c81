"""Page objects of Home Assistant's user interface, in its words.

They find elements by the roles and names that a person sees. Where these are not
enough, by the frontend's own elements: for a locator, what is slotted into a dialog or
a card is a child of the element around it.
"""
